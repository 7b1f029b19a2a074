//! From a diagram to text.

use super::{Cell, Diagram, Line, Mark, Row};
use textwrap::core::display_width;
use textwrap::{Options, WordSplitter};

/// Which characters to draw with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// Box-drawing characters.
    #[default]
    Unicode,
    /// For a terminal or a log that has nothing else.
    Ascii,
}

/// The characters of a style.
struct Glyphs {
    holds: char,
    free: char,
    waits: char,
    /// A step under a lock, one that takes it, one that gives it up.
    holding: char,
    enters: char,
    leaves: char,
    /// A step without a lock, and the last of those.
    acts: char,
    ends: char,
    dash: char,
    repeats: char,
    broken: char,
}

const UNICODE: Glyphs = Glyphs {
    holds: '║',
    free: '│',
    waits: '┆',
    holding: '╟',
    enters: '╓',
    leaves: '╙',
    acts: '├',
    ends: '└',
    dash: '─',
    repeats: '↺',
    broken: '✗',
};

const ASCII: Glyphs = Glyphs {
    holds: '#',
    free: '|',
    waits: ':',
    holding: '#',
    enters: '#',
    leaves: '#',
    acts: '|',
    ends: '|',
    dash: '-',
    repeats: '~',
    broken: 'X',
};

impl Style {
    /// The mark of what is broken.
    pub fn broken(self) -> char {
        self.glyphs().broken
    }

    fn glyphs(self) -> &'static Glyphs {
        match self {
            Self::Unicode => &UNICODE,
            Self::Ascii => &ASCII,
        }
    }
}

/// Between two columns.
const GAP: usize = 2;
/// A space at which no line ends.
const NO_BREAK: &str = "\u{a0}";
/// The least room for a text, however narrow the terminal is.
const LEAST_TEXT: usize = 10;

/// Draws a diagram at most `width` columns wide, unless that leaves no room for its texts. Below it stands what its
/// lines mean. Every line ends in a newline.
pub fn draw(diagram: &Diagram, width: usize, style: Style) -> String {
    let sheet = Sheet::new(diagram, width, style.glyphs());
    let mut lines = sheet.header(&diagram.threads);
    let mut held = vec![None; diagram.threads.len()];
    for row in &diagram.rows {
        lines.extend(sheet.row(row, &held));
        held = row.cells.iter().map(|cell| held_by(cell.line)).collect();
    }
    lines.push(String::new());
    lines.extend(sheet.legend(diagram, width.max(LEAST_TEXT)));
    lines.into_iter().map(|line| line.trim_end().to_owned() + "\n").collect()
}

fn held_by(line: Line) -> Option<usize> {
    match line {
        Line::Holds(interpreter) => Some(interpreter),
        Line::Free | Line::Waits | Line::Ended => None,
    }
}

/// Where everything goes.
struct Sheet {
    glyphs: &'static Glyphs,
    /// For each interpreter what stands beside a lifeline that holds its lock.
    tags: Vec<String>,
    /// The room for the longest of them.
    tag: usize,
    /// The room for the number of a step.
    number: usize,
    /// For each thread the room for its texts.
    texts: Vec<usize>,
}

impl Sheet {
    fn new(diagram: &Diagram, width: usize, glyphs: &'static Glyphs) -> Self {
        let tags = tags(&diagram.interpreters);
        let mut sheet = Self {
            glyphs,
            tag: tags.iter().map(|tag| display_width(tag)).max().unwrap_or(0),
            tags,
            number: diagram.rows.len().to_string().len(),
            texts: Vec::new(),
        };
        let longest: Vec<usize> = (0..diagram.threads.len()).map(|thread| longest(diagram, thread)).collect();
        let taken = sheet.margin("", ' ').chars().count() + longest.len() * (sheet.lead() + GAP);
        sheet.texts = shares(&longest, width.saturating_sub(taken));
        sheet
    }

    /// The room before a text: lifeline, dash, tag, blank.
    fn lead(&self) -> usize {
        3 + self.tag
    }

    fn margin(&self, number: &str, mark: char) -> String {
        format!("{mark} {number:>room$}  ", room = self.number)
    }

    /// The names of the threads, above their lifelines.
    fn header(&self, names: &[String]) -> Vec<String> {
        let names = names.iter().zip(&self.texts);
        let names: Vec<_> = names.map(|(name, room)| wrap(name, room + self.lead())).collect();
        let height = names.iter().map(Vec::len).max().unwrap_or(0);
        let part = |names: &Vec<String>, index: usize, room: usize| {
            pad(names.get(index).map_or("", String::as_str), room + self.lead() + GAP)
        };
        let line = |index| {
            let parts = names.iter().zip(&self.texts).map(|(names, &room)| part(names, index, room));
            self.margin("", ' ') + &parts.collect::<String>()
        };
        (0..height).map(line).collect()
    }

    /// The lines of a row. `held` is what each thread held before it.
    fn row(&self, row: &Row, held: &[Option<usize>]) -> Vec<String> {
        let texts = row.cells.iter().zip(&self.texts);
        let texts: Vec<_> = texts.map(|(cell, &room)| wrap(cell.text.as_deref().unwrap_or(""), room)).collect();
        let height = texts.iter().map(Vec::len).max().unwrap_or(0).max(1);
        let mut lines = vec![self.first_line(row, held, &texts)];
        lines.extend((1..height).map(|index| self.further_line(row, &texts, index)));
        lines
    }

    fn first_line(&self, row: &Row, held: &[Option<usize>], texts: &[Vec<String>]) -> String {
        let mark = match row.mark {
            Mark::None => ' ',
            Mark::Repeats => self.glyphs.repeats,
            Mark::Broken => self.glyphs.broken,
        };
        let mut line = self.margin(&row.number.map(|number| number.to_string()).unwrap_or_default(), mark);
        for (thread, cell) in row.cells.iter().enumerate() {
            let lead = self.first_lead(cell, held[thread]);
            line += &self.cell(&lead, texts[thread].first(), self.texts[thread]);
        }
        line
    }

    fn further_line(&self, row: &Row, texts: &[Vec<String>], index: usize) -> String {
        let mut line = self.margin("", ' ');
        for (thread, cell) in row.cells.iter().enumerate() {
            let lead = self.lifeline(cell.line).to_string();
            line += &self.cell(&lead, texts[thread].get(index), self.texts[thread]);
        }
        line
    }

    fn cell(&self, lead: &str, text: Option<&String>, room: usize) -> String {
        pad(lead, self.lead()) + &pad(text.map_or("", String::as_str), room + GAP)
    }

    /// The lifeline in the first line of a row, with the tag of the lock, and a dash that leads to the text.
    fn first_lead(&self, cell: &Cell, before: Option<usize>) -> String {
        let held = held_by(cell.line).or(before);
        let tag = held.and_then(|interpreter| self.tags.get(interpreter)).map_or("", String::as_str);
        if cell.text.is_none() {
            return format!("{} {tag}", self.lifeline(cell.line));
        }
        let glyph = match (before, cell.line) {
            (None, Line::Holds(_)) => self.glyphs.enters,
            (Some(_), Line::Holds(_)) => self.glyphs.holding,
            (Some(_), _) => self.glyphs.leaves,
            (None, Line::Free | Line::Waits) => self.glyphs.acts,
            (None, Line::Ended) => self.glyphs.ends,
        };
        let dashes = |count| self.glyphs.dash.to_string().repeat(count);
        format!("{glyph}{}{tag}{}", dashes(1), dashes(self.tag.saturating_sub(display_width(tag))))
    }

    fn lifeline(&self, line: Line) -> char {
        match line {
            Line::Holds(_) => self.glyphs.holds,
            Line::Free => self.glyphs.free,
            Line::Waits => self.glyphs.waits,
            Line::Ended => ' ',
        }
    }

    /// What the lines and marks mean that occur. Sign and meaning stay together.
    fn legend(&self, diagram: &Diagram, width: usize) -> Vec<String> {
        let has_line = |wanted| diagram.rows.iter().flat_map(|row| &row.cells).any(|cell| cell.line == wanted);
        let mut entries = Vec::new();
        for (index, (name, tag)) in diagram.interpreters.iter().zip(&self.tags).enumerate() {
            if has_line(Line::Holds(index)) {
                entries.push(format!("{} {tag} holds the lock of {name}", self.glyphs.holds));
            }
        }
        if has_line(Line::Free) {
            entries.push(format!("{} holds no lock", self.glyphs.free));
        }
        if has_line(Line::Waits) {
            entries.push(format!("{} holds no lock and cannot go on", self.glyphs.waits));
        }
        if diagram.rows.iter().any(|row| row.mark == Mark::Repeats) {
            entries.push(format!("{} repeats", self.glyphs.repeats));
        }
        entries.push(format!("{} breaks the guarantee", self.glyphs.broken));
        let entries: Vec<String> = entries.iter().map(|entry| entry.replace(' ', NO_BREAK)).collect();
        wrap(&entries.join("; "), width).into_iter().map(|line| line.replace(NO_BREAK, " ")).collect()
    }
}

/// The shortest beginnings of names that tell them apart; the whole name where it begins another one.
fn tags(names: &[String]) -> Vec<String> {
    let tag = |(index, name): (usize, &String)| {
        let others = || names.iter().enumerate().filter(move |&(other, _)| other != index).map(|(_, name)| name);
        let ends = name.char_indices().map(|(start, character)| start + character.len_utf8());
        let mut beginnings = ends.map(|end| &name[..end]);
        beginnings.find(|&beginning| others().all(|other| !other.starts_with(beginning))).unwrap_or(name).to_owned()
    };
    names.iter().enumerate().map(tag).collect()
}

/// The room that the texts of a thread would like to have.
fn longest(diagram: &Diagram, thread: usize) -> usize {
    let texts = diagram.rows.iter().filter_map(|row| row.cells[thread].text.as_deref());
    texts.map(display_width).max().unwrap_or(0).max(LEAST_TEXT)
}

/// Shares the room so that nobody gets more than wanted, and nobody less than another one who wants more.
fn shares(wanted: &[usize], room: usize) -> Vec<usize> {
    let capped = |cap: usize| wanted.iter().map(move |&wanted| wanted.min(cap));
    let most = wanted.iter().copied().max().unwrap_or(0);
    let cap = (LEAST_TEXT..=most).rev().find(|&cap| capped(cap).sum::<usize>() <= room).unwrap_or(LEAST_TEXT);
    capped(cap).collect()
}

/// Names contain hyphens: no line ends in the middle of one, unless it is too long for any.
fn wrap(text: &str, room: usize) -> Vec<String> {
    let options = Options::new(room).word_splitter(WordSplitter::NoHyphenation);
    textwrap::wrap(text, options).into_iter().map(String::from).collect()
}

fn pad(text: &str, room: usize) -> String {
    text.to_owned() + &" ".repeat(room.saturating_sub(display_width(text)))
}
