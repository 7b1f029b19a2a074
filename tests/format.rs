//! Formats: both spellings, what they mean, and what is refused.

use proptest::prelude::*;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use viewchan::Format;
use viewchan::layout::{ByteOrder, FormatError, Kind};

fn parse(text: &str) -> Result<Format, FormatError> {
    text.parse()
}

fn format(kind: Kind, itemsize: usize, order: ByteOrder) -> Format {
    Format::new(kind, itemsize, order).expect("there is such a format")
}

/// Every format of a small size.
fn formats() -> Vec<Format> {
    let kinds = [Kind::Bool, Kind::Int, Kind::Uint, Kind::Float, Kind::Complex, Kind::Bytes];
    let mut formats = Vec::new();
    for kind in kinds {
        for itemsize in 0..=20 {
            for order in [ByteOrder::Little, ByteOrder::Big] {
                formats.extend(Format::new(kind, itemsize, order));
            }
        }
    }
    assert_eq!(formats.len(), 2 * (1 + 4 + 4 + 3 + 2 + 20));
    formats
}

/// What is written is parsed to the same, in both spellings.
#[test]
fn both_spellings_come_back() {
    for format in formats() {
        assert_eq!(parse(&format.to_string()), Ok(format));
        assert_eq!(parse(&format.to_pep3118()), Ok(format));
    }
}

/// Formats that mean the same are hashed as the same, and others, but for chance, are not.
#[test]
fn the_hash_is_of_the_meaning() {
    let hash = |format: Format| BuildHasherDefault::<DefaultHasher>::default().hash_one(format);
    let [native, little, big] = ["i4", "<i4", ">i4"].map(|text| hash(parse(text).expect("a format")));
    assert_eq!(native, if cfg!(target_endian = "little") { little } else { big });
    assert_ne!(little, big);
}

/// The codes of the module `struct` mean what Python says.
#[test]
fn codes_of_pep_3118() {
    use ByteOrder::{Big, Little};
    const NATIVE: ByteOrder = ByteOrder::NATIVE;
    for (codes, kind, size) in [
        ("?", Kind::Bool, 1),
        ("b", Kind::Int, 1),
        ("B", Kind::Uint, 1),
        ("h", Kind::Int, 2),
        ("H", Kind::Uint, 2),
        ("il", Kind::Int, 4),
        ("IL", Kind::Uint, 4),
        ("q", Kind::Int, 8),
        ("Q", Kind::Uint, 8),
        ("e", Kind::Float, 2),
        ("f", Kind::Float, 4),
        ("d", Kind::Float, 8),
        ("cs", Kind::Bytes, 1),
    ] {
        for code in codes.chars() {
            for (prefix, order) in [("<", Little), (">", Big), ("!", Big), ("=", NATIVE)] {
                assert_eq!(parse(&format!("{prefix}{code}")), Ok(format(kind, size, order)), "{prefix}{code}");
            }
            for prefix in ["", "@", "^"].iter().filter(|_| !"lL".contains(code)) {
                assert_eq!(parse(&format!("{prefix}{code}")), Ok(format(kind, size, NATIVE)), "{prefix}{code}");
            }
        }
    }
    assert_eq!(parse("Zf"), Ok(format(Kind::Complex, 8, NATIVE)));
    assert_eq!(parse(">Zd"), Ok(format(Kind::Complex, 16, Big)));
    assert_eq!(parse("5s"), Ok(format(Kind::Bytes, 5, NATIVE)));
    let long = size_of::<std::ffi::c_long>();
    assert_eq!(parse("l"), Ok(format(Kind::Int, long, NATIVE)));
    assert_eq!(parse("@L"), Ok(format(Kind::Uint, long, NATIVE)));
    assert_eq!(parse("n"), Ok(Format::of::<isize>()));
    assert_eq!(parse("@N"), Ok(Format::of::<usize>()));
}

/// A number behind the code makes it a type string of NumPy.
#[test]
fn type_strings() {
    use ByteOrder::{Big, Irrelevant, Little};
    const NATIVE: ByteOrder = ByteOrder::NATIVE;
    assert_eq!(parse("<f8"), Ok(format(Kind::Float, 8, Little)));
    assert_eq!(parse(">i2"), Ok(format(Kind::Int, 2, Big)));
    assert_eq!(parse("|u1"), Ok(Format::BYTE));
    assert_eq!(parse("|b1"), Ok(format(Kind::Bool, 1, Irrelevant)));
    assert_eq!(parse("=c16"), Ok(format(Kind::Complex, 16, NATIVE)));
    assert_eq!(parse("f4"), Ok(Format::of::<f32>()));
    assert_eq!(parse("|S7"), Ok(format(Kind::Bytes, 7, Irrelevant)));
    assert_ne!(parse("b1"), parse("b"));
}

/// Formats that mean the same are equal.
#[test]
fn formats_are_normalised() {
    for same in ["B", "<B", ">B", "|u1", "<u1"] {
        assert_eq!(parse(same), Ok(Format::BYTE), "{same}");
    }
    assert_eq!(parse("<q"), parse("<i8"));
    assert_eq!(parse("<5s"), parse(">S5"));
    let double = Format::of::<f64>();
    assert_eq!((double.kind(), double.itemsize(), double.order()), (Kind::Float, 8, ByteOrder::NATIVE));
    assert_eq!(double.to_pep3118(), "d");
    // Formats that mean the same are equal, and keep their spelling where PEP 3118 has several.
    for code in ["l", "L", "n", "N"] {
        assert_eq!(parse(code).expect("a native integer").to_pep3118(), code);
        assert_eq!(parse(&format!("@{code}")).expect("a native integer").to_pep3118(), code);
    }
    assert_eq!(parse("n"), parse(if size_of::<isize>() == 8 { "q" } else { "i" }));
    assert!(double.is_native());
    assert_eq!(Format::of::<[u8; 3]>().to_string(), "|S3");
}

/// A foreign byte order is written, and only that.
#[test]
fn foreign_order_is_written() {
    let (little, big) = (parse("<i4").expect("known"), parse(">i4").expect("known"));
    assert_ne!(little, big);
    assert_eq!(usize::from(little.is_native()) + usize::from(big.is_native()), 1);
    for format in [little, big] {
        assert_eq!(format.to_pep3118().len(), if format.is_native() { 1 } else { 2 });
    }
}

/// Numbers are aligned as in this platform's structs; a complex number is as its parts.
#[test]
fn alignment_is_the_platforms() {
    for (text, alignment) in [
        ("?", 1),
        ("b", 1),
        ("16s", 1),
        (">h", align_of::<i16>()),
        ("e", align_of::<u16>()),
        ("i", align_of::<i32>()),
        ("f", align_of::<f32>()),
        ("Q", align_of::<u64>()),
        ("d", align_of::<f64>()),
        ("Zf", align_of::<f32>()),
        ("Zd", align_of::<f64>()),
    ] {
        assert_eq!(parse(text).expect("known").alignment(), alignment, "{text}");
    }
}

/// What is no format is refused, and the error says why.
#[test]
fn refusals_are_precise() {
    use FormatError::{Empty, Incomplete, NoOrder, Prefix, Size, Unknown, Unsupported};
    for text in ["", "<", "@"] {
        assert_eq!(parse(text), Err(Empty), "{text}");
    }
    for text in ["5", "<12", "Z", ">Z"] {
        assert_eq!(parse(text), Err(Incomplete), "{text}");
    }
    for (text, found, at) in [
        ("y", 'y', 0),
        ("<y", 'y', 1),
        ("<<i", '<', 1),
        ("y8", 'y', 0),
        ("d8", '8', 1),
        ("f8x", 'x', 2),
        (" d", ' ', 0),
        ("d ", ' ', 1),
        ("Zq", 'q', 1),
        ("é4", 'é', 0),
        ("<i\0", '\0', 2),
    ] {
        assert_eq!(parse(text), Err(Unknown { found, at }), "{text}");
    }
    for text in
        ["O", "O8", "P", "&d", "X{}", "T{i:a:}", "(2,3)d", "g", "Zg", "<M8[ns]", "m8", "U5", "|V8", "t1", "x", "4w"]
    {
        assert!(matches!(parse(text), Err(Unsupported { .. })), "{text}: {:?}", parse(text));
    }
    for text in ["2d", "1i", "dd", "i?", "ii4", "0b"] {
        assert!(
            matches!(parse(text), Err(Unsupported { what: "several items in one", .. })),
            "{text}: {:?}",
            parse(text)
        );
    }
    for (text, kind, itemsize) in [
        ("i3", Kind::Int, 3),
        ("<f16", Kind::Float, 16),
        ("c4", Kind::Complex, 4),
        ("|b2", Kind::Bool, 2),
        ("u0", Kind::Uint, 0),
        ("S0", Kind::Bytes, 0),
        ("0s", Kind::Bytes, 0),
        ("S99999999999999999999999", Kind::Bytes, usize::MAX),
        ("99999999999999999999999s", Kind::Bytes, usize::MAX),
    ] {
        assert_eq!(parse(text), Err(Size { kind, itemsize }), "{text}");
    }
    assert_eq!(parse("|i4"), Err(NoOrder { kind: Kind::Int, itemsize: 4 }));
    assert_eq!(parse("@f8"), Err(Prefix { prefix: '@', code: 'f' }));
    assert_eq!(parse("|d"), Err(Prefix { prefix: '|', code: 'd' }));
    assert_eq!(parse("<n"), Err(Prefix { prefix: '<', code: 'n' }));
    assert_eq!(parse("=N"), Err(Prefix { prefix: '=', code: 'N' }));
}

/// The errors read as sentences.
#[test]
fn errors_are_readable() {
    let message = |text| parse(text).expect_err("refused").to_string();
    assert_eq!(message("<y"), "the format has an unknown code 'y' at byte 1");
    assert_eq!(
        message("O"),
        "the format code 'O' stands for an object, which belongs to one interpreter: not supported"
    );
    assert_eq!(message("f16"), "a float does not come in 16 bytes");
    assert_eq!(message("|i4"), "a signed integer of 4 bytes needs a byte order");
}

/// Strings that resemble formats.
fn resembling() -> impl Strategy<Value = String> {
    proptest::collection::vec(
        proptest::sample::select("@^=<>!|?cbBhHiIlLqQnNefdgZsuSxOTPV&({0123489".chars().collect::<Vec<_>>()),
        0..6,
    )
    .prop_map(String::from_iter)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    /// No string makes the parser panic; what it accepts comes back in both spellings.
    #[test]
    fn nonsense_is_refused(text in prop_oneof![resembling(), any::<String>()]) {
        if let Ok(format) = parse(&text) {
            prop_assert!(format.itemsize() >= 1);
            prop_assert!(format.alignment() <= format.itemsize());
            prop_assert_eq!(parse(&format.to_string()), Ok(format));
            prop_assert_eq!(parse(&format.to_pep3118()), Ok(format));
        }
    }
}
