//! What one element is: a kind, a size, a byte order.

use super::FormatError;
use crate::array::Element;
use core::ffi::{c_int, c_long, c_short};
use core::fmt;
use core::hash::{Hash, Hasher};
use core::str::FromStr;

/// What the bytes of an element mean, byte order and size aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A truth value of one byte: 0 is false.
    Bool,
    /// A signed integer in two's complement, of 1, 2, 4 or 8 bytes.
    Int,
    /// An unsigned integer of 1, 2, 4 or 8 bytes.
    Uint,
    /// An IEEE 754 number of 2, 4 or 8 bytes.
    Float,
    /// A real and an imaginary part, one after the other, both floats: 8 or 16 bytes.
    Complex,
    /// Bytes without a meaning of their own, of any length but 0.
    Bytes,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bool => "a truth value",
            Self::Int => "a signed integer",
            Self::Uint => "an unsigned integer",
            Self::Float => "a float",
            Self::Complex => "a complex number",
            Self::Bytes => "a string of bytes",
        })
    }
}

/// Which byte of a number comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ByteOrder {
    /// The lowest.
    Little,
    /// The highest.
    Big,
    /// Elements of one byte, and strings of bytes, have no order.
    Irrelevant,
}

impl ByteOrder {
    /// This machine's order of numbers.
    pub const NATIVE: Self = if u16::from_ne_bytes([1, 0]) == 1 { Self::Little } else { Self::Big };
}

/// The format of an element, normalised: formats that mean the same are equal, however they were spelled.
///
/// Two spellings are parsed, and both are written:
///
/// - PEP 3118 and the module `struct`: an optional prefix `@`, `^`, `=`, `<`, `>` or `!`, and one of the codes `?` `c`
///   `b` `B` `h` `H` `i` `I` `l` `L` `q` `Q` `n` `N` `e` `f` `d` `Zf` `Zd` `s`, where `s` may follow a number of bytes.
///   Without a prefix, and with `@` and `^`, `l`, `L`, `n` and `N` have the size that this platform's C compiler gives them.
/// - A NumPy type string: an optional prefix `<`, `>`, `=` or `|`, a kind `b` `i` `u` `f` `c` `S`, and a number of bytes.
///
/// A number after the code makes the difference: `b` is a signed byte, `b1` a truth value.
///
/// ```
/// use viewchan::Format;
///
/// let format: Format = ">f8".parse()?;
/// assert_eq!(format, ">d".parse()?);
/// assert_eq!(format.itemsize(), 8);
/// assert_eq!(format.to_string(), ">f8");
/// assert_eq!(Format::of::<f64>(), "d".parse()?);
/// # Ok::<(), viewchan::layout::FormatError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Format {
    kind: Kind,
    order: ByteOrder,
    /// In bytes; at least 1, and at most `isize::MAX`.
    itemsize: usize,
    /// The code by which PEP 3118 knows it, where it has several for the same: which one it was. Means nothing else.
    code: Option<u8>,
}

impl Format {
    fn meaning(self) -> (Kind, ByteOrder, usize) {
        (self.kind, self.order, self.itemsize)
    }
}

impl PartialEq for Format {
    fn eq(&self, other: &Self) -> bool {
        self.meaning() == other.meaning()
    }
}

impl Eq for Format {}

impl Hash for Format {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.meaning().hash(state);
    }
}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Format({self})")
    }
}

impl Format {
    /// Unsigned bytes: what a buffer is that says nothing else.
    pub const BYTE: Self = Self { kind: Kind::Uint, order: ByteOrder::Irrelevant, itemsize: 1, code: None };

    /// A format of its parts. The byte order of what has none is ignored.
    ///
    /// # Errors
    ///
    /// [`FormatError::Size`] if there is no such kind of `itemsize` bytes, [`FormatError::NoOrder`] if the order is
    /// irrelevant but is not.
    pub const fn new(kind: Kind, itemsize: usize, order: ByteOrder) -> Result<Self, FormatError> {
        let exists = match kind {
            Kind::Bool => itemsize == 1,
            Kind::Int | Kind::Uint => matches!(itemsize, 1 | 2 | 4 | 8),
            Kind::Float => matches!(itemsize, 2 | 4 | 8),
            Kind::Complex => matches!(itemsize, 8 | 16),
            Kind::Bytes => 0 < itemsize && itemsize <= isize::MAX as usize,
        };
        if !exists {
            return Err(FormatError::Size { kind, itemsize });
        }
        let order = match order {
            _ if itemsize == 1 || matches!(kind, Kind::Bytes) => ByteOrder::Irrelevant,
            ByteOrder::Irrelevant => return Err(FormatError::NoOrder { kind, itemsize }),
            order => order,
        };
        Ok(Self { kind, order, itemsize, code: None })
    }

    /// The format of `T` in this machine's byte order.
    ///
    /// Does not compile if an element of that kind cannot have the size of a `T`.
    #[must_use]
    pub const fn of<T: Element>() -> Self {
        const {
            match Self::new(T::KIND, size_of::<T>(), ByteOrder::NATIVE) {
                Ok(format) => format,
                Err(_) => panic!("no element of this kind has the size of this type"),
            }
        }
    }

    /// What the bytes of an element mean.
    #[must_use]
    pub const fn kind(self) -> Kind {
        self.kind
    }

    /// The byte order: [`ByteOrder::Irrelevant`] exactly for elements of one byte and for strings of bytes.
    #[must_use]
    pub const fn order(self) -> ByteOrder {
        self.order
    }

    /// Whether this machine reads the elements as they are.
    #[must_use]
    pub fn is_native(self) -> bool {
        self.order == ByteOrder::Irrelevant || self.order == ByteOrder::NATIVE
    }

    /// Size of an element in bytes, at least 1.
    #[must_use]
    pub const fn itemsize(self) -> usize {
        self.itemsize
    }

    /// The multiple of bytes at which this platform wants an element to start.
    #[must_use]
    pub const fn alignment(self) -> usize {
        match (self.kind, self.itemsize) {
            (Kind::Bytes | Kind::Bool, _) | (_, 1) => 1,
            (Kind::Complex, 8) => align_of::<f32>(),
            (Kind::Complex | Kind::Float, 8 | 16) => align_of::<f64>(),
            (_, 2) => align_of::<u16>(),
            (_, 4) => align_of::<u32>(),
            _ => align_of::<u64>(),
        }
    }

    /// The format in the spelling of PEP 3118, for a `Py_buffer`. A native format has no prefix, so that `memoryview`,
    /// which indexes no others, takes it; and if it was parsed from one of several codes for the same, as `l` and `q` are
    /// on many platforms, it has that one.
    #[must_use]
    pub fn to_pep3118(self) -> String {
        let order = match self.order {
            _ if self.is_native() => "",
            ByteOrder::Big => ">",
            ByteOrder::Little | ByteOrder::Irrelevant => "<",
        };
        if let Some(code) = self.code.filter(|_| self.is_native()) {
            return char::from(code).to_string();
        }
        let code = match (self.kind, self.itemsize) {
            (Kind::Bool, _) => "?",
            (Kind::Int, 1) => "b",
            (Kind::Int, 2) => "h",
            (Kind::Int, 4) => "i",
            (Kind::Int, _) => "q",
            (Kind::Uint, 1) => "B",
            (Kind::Uint, 2) => "H",
            (Kind::Uint, 4) => "I",
            (Kind::Uint, _) => "Q",
            (Kind::Float, 2) => "e",
            (Kind::Float, 4) => "f",
            (Kind::Float, _) => "d",
            (Kind::Complex, 8) => "Zf",
            (Kind::Complex, _) => "Zd",
            (Kind::Bytes, 1) => "c",
            (Kind::Bytes, len) => return format!("{len}s"),
        };
        format!("{order}{code}")
    }
}

/// Writes the NumPy type string, which says everything: kind, size and order.
impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let order = match self.order {
            ByteOrder::Little => '<',
            ByteOrder::Big => '>',
            ByteOrder::Irrelevant => '|',
        };
        let kind = match self.kind {
            Kind::Bool => 'b',
            Kind::Int => 'i',
            Kind::Uint => 'u',
            Kind::Float => 'f',
            Kind::Complex => 'c',
            Kind::Bytes => 'S',
        };
        write!(f, "{order}{kind}{}", self.itemsize)
    }
}

impl FromStr for Format {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, FormatError> {
        let prefix = text.chars().next().filter(|first| "@^=<>!|".contains(*first));
        let rest = &text[prefix.map_or(0, char::len_utf8)..];
        let code = rest.chars().next().ok_or(FormatError::Empty)?;
        let after = &rest[code.len_utf8()..];
        if after.starts_with(|digit: char| digit.is_ascii_digit()) && !code.is_ascii_digit() {
            typestr(prefix, code, after)
        } else {
            pep3118(prefix, rest)
        }
        .map_err(|wrong| wrong.at(text))
    }
}

/// Where parsing stopped, before positions are known.
enum Wrong {
    Error(FormatError),
    /// The rest, from what is not understood.
    Rest(usize),
}

impl From<FormatError> for Wrong {
    fn from(error: FormatError) -> Self {
        Self::Error(error)
    }
}

impl Wrong {
    fn at(self, text: &str) -> FormatError {
        match self {
            Self::Error(error) => error,
            Self::Rest(len) => {
                let at = text.len() - len;
                text[at..].chars().next().map_or(FormatError::Incomplete, |found| FormatError::Unknown { found, at })
            }
        }
    }
}

/// A kind and a number of bytes, as NumPy spells it.
fn typestr(prefix: Option<char>, code: char, after: &str) -> Result<Format, Wrong> {
    let kind = match code {
        'b' => Kind::Bool,
        'i' => Kind::Int,
        'u' => Kind::Uint,
        'f' => Kind::Float,
        'c' => Kind::Complex,
        'S' => Kind::Bytes,
        // Complete without the number.
        '?' | 'B' | 'h' | 'H' | 'I' | 'l' | 'L' | 'q' | 'Q' | 'n' | 'N' | 'e' | 'd' | 's' => {
            return Err(Wrong::Rest(after.len()));
        }
        other => return Err(unsupported(other, after.len() + other.len_utf8())),
    };
    let (size, rest) = number(after);
    if !rest.is_empty() {
        return Err(Wrong::Rest(rest.len()));
    }
    let order = match prefix {
        None | Some('=') => ByteOrder::NATIVE,
        Some('<') => ByteOrder::Little,
        Some('>') => ByteOrder::Big,
        Some('|') => ByteOrder::Irrelevant,
        Some(prefix) => return Err(FormatError::Prefix { prefix, code }.into()),
    };
    Ok(Format::new(kind, size, order)?)
}

/// A code of the module `struct`, or one that PEP 3118 adds.
fn pep3118(prefix: Option<char>, rest: &str) -> Result<Format, Wrong> {
    let order = match prefix {
        None | Some('@' | '^' | '=') => ByteOrder::NATIVE,
        Some('<') => ByteOrder::Little,
        _ => ByteOrder::Big,
    };
    let native = matches!(prefix, None | Some('@' | '^'));
    let (count, coded) = match number(rest) {
        (_, coded) if coded.len() == rest.len() => (None, rest),
        (count, coded) => (Some(count), coded),
    };
    let mut codes = coded.chars();
    let code = codes.next().ok_or(FormatError::Incomplete)?;
    let sized = |in_c: usize, standard| if native { in_c } else { standard };
    let (kind, size) = match code {
        '?' => (Kind::Bool, 1),
        'c' => (Kind::Bytes, 1),
        's' => (Kind::Bytes, count.unwrap_or(1)),
        'b' => (Kind::Int, 1),
        'B' => (Kind::Uint, 1),
        'h' => (Kind::Int, sized(size_of::<c_short>(), 2)),
        'H' => (Kind::Uint, sized(size_of::<c_short>(), 2)),
        'i' => (Kind::Int, sized(size_of::<c_int>(), 4)),
        'I' => (Kind::Uint, sized(size_of::<c_int>(), 4)),
        'l' => (Kind::Int, sized(size_of::<c_long>(), 4)),
        'L' => (Kind::Uint, sized(size_of::<c_long>(), 4)),
        'q' => (Kind::Int, 8),
        'Q' => (Kind::Uint, 8),
        'n' if native => (Kind::Int, size_of::<isize>()),
        'N' if native => (Kind::Uint, size_of::<usize>()),
        'n' | 'N' => return Err(FormatError::Prefix { prefix: prefix.unwrap_or('='), code }.into()),
        'e' => (Kind::Float, 2),
        'f' => (Kind::Float, 4),
        'd' => (Kind::Float, 8),
        'Z' => match codes.next() {
            Some('f') => (Kind::Complex, 8),
            Some('d') => (Kind::Complex, 16),
            Some('g') => return Err(FormatError::Unsupported { code: 'g', what: LONG_DOUBLE }.into()),
            other => return Err(Wrong::Rest(codes.as_str().len() + other.map_or(0, char::len_utf8))),
        },
        other => return Err(unsupported(other, coded.len())),
    };
    let several = FormatError::Unsupported { code, what: "several items in one" };
    match codes.next() {
        None if count.is_some() && code != 's' => Err(several.into()),
        None if prefix == Some('|') => Err(FormatError::Prefix { prefix: '|', code }.into()),
        None => {
            let is_alias = native && matches!(code, 'l' | 'L' | 'n' | 'N');
            let code = is_alias.then_some(code as u8);
            Ok(Format { code, ..Format::new(kind, size, order)? })
        }
        // What could follow is another item, or nonsense.
        Some(next) if next.is_ascii_alphanumeric() || next == '?' => Err(several.into()),
        Some(next) => Err(Wrong::Rest(codes.as_str().len() + next.len_utf8())),
    }
}

const LONG_DOUBLE: &str = "a long double, whose size and form differ between platforms";

/// The error for a code that is not one of ours: known to others, or to nobody.
fn unsupported(code: char, rest: usize) -> Wrong {
    let what = match code {
        'O' => "an object, which belongs to one interpreter",
        'P' | '&' | 'X' => "a pointer, which means nothing to another interpreter",
        'T' | 'V' => "a structure",
        '(' => "an array within the element",
        'g' => LONG_DOUBLE,
        'm' | 'M' => "a date or a duration",
        'u' | 'w' | 'U' | 'p' | 'a' => "text",
        't' => "bits",
        'x' => "padding",
        _ => return Wrong::Rest(rest),
    };
    FormatError::Unsupported { code, what }.into()
}

/// The decimal number at the front, `usize::MAX` if it is larger, and what follows it.
fn number(text: &str) -> (usize, &str) {
    let end = text.find(|digit: char| !digit.is_ascii_digit()).unwrap_or(text.len());
    (text[..end].parse().unwrap_or(usize::MAX), &text[end..])
}
