//! Python's pickle (protocols 2 to 4), as far as state dicts need it. Instructions build values on a stack; nothing is
//! looked up, imported or run.

use std::collections::HashMap;

use super::Found;
use super::value::{Called, Global, Id, Value, call, storage};

/// Bytes of a pickle, at most: the largest nets' take one.
const MOST_BYTES: usize = 16 << 20;
/// Values in a pickle, at most: a tensor takes about twenty.
const MOST_VALUES: usize = 1 << 20;

/// What was read.
pub(super) struct Pickle<'a> {
    pub(super) values: Vec<Value<'a>>,
    /// Which of the values all was about.
    pub(super) top: Id,
    /// Bytes that it took.
    pub(super) length: usize,
}

impl<'a> Pickle<'a> {
    /// What the dictionary on top has under `name`.
    pub(super) fn entry(&self, name: &str) -> Option<&Value<'a>> {
        let Value::Dictionary(entries) = &self.values[self.top] else { return None };
        let is_it = |key: &Id| matches!(self.values[*key], Value::Text(text) if text == name);
        entries.iter().find(|(key, _)| is_it(key)).map(|(_, value)| &self.values[*value])
    }

    /// The key of each storage, and the bytes of one of its values.
    pub(super) fn storages(&self) -> impl Iterator<Item = (&'a str, usize)> {
        self.values.iter().filter_map(|value| match value {
            Value::Storage(storage) => Some((storage.key, storage.kind.width())),
            _ => None,
        })
    }
}

/// Reads the pickle that `bytes` begins with.
pub(super) fn read(bytes: &[u8]) -> Found<Pickle<'_>> {
    let mut reader = Reader {
        bytes: &bytes[..bytes.len().min(MOST_BYTES)],
        at: 0,
        values: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    loop {
        match reader.take(1)?[0] {
            b'.' => break,
            instruction => reader.step(instruction)?,
        }
    }
    let top = reader.pop()?;
    Ok(Pickle { values: reader.values, top, length: reader.at })
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    values: Vec<Value<'a>>,
    stack: Vec<Id>,
    /// How high the stack was at each mark.
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
}

impl<'a> Reader<'a> {
    /// Does what one instruction says. The names are those of Python's `pickletools`.
    fn step(&mut self, instruction: u8) -> Found<()> {
        match instruction {
            0x80 => self.take(1).map(drop),                             // PROTO
            0x95 => self.take(8).map(drop),                             // FRAME
            b'N' => self.push(Value::Other),                            // NONE
            0x88 => self.push(Value::Boolean(true)),                    // NEWTRUE
            0x89 => self.push(Value::Boolean(false)),                   // NEWFALSE
            b'K' => self.whole(1),                                      // BININT1
            b'M' => self.whole(2),                                      // BININT2
            b'J' => self.signed(4),                                     // BININT
            0x8A => self.long(),                                        // LONG1
            b'G' => self.skip(8),                                       // BINFLOAT
            b'U' | 0x8C => self.text(1),                                // SHORT_BINSTRING, SHORT_BINUNICODE
            b'T' | b'X' => self.text(4),                                // BINSTRING, BINUNICODE
            0x8D => self.text(8),                                       // BINUNICODE8
            b'C' => self.opaque(1),                                     // SHORT_BINBYTES
            b'B' => self.opaque(4),                                     // BINBYTES
            b')' => self.push(Value::Tuple(vec![])),                    // EMPTY_TUPLE
            0x85..=0x87 => self.tuple(usize::from(instruction - 0x84)), // TUPLE1 to TUPLE3
            b't' => self.since_mark().and_then(|items| self.push(Value::Tuple(items))), // TUPLE
            b']' => self.push(Value::List(vec![])),                     // EMPTY_LIST
            b'}' => self.push(Value::Dictionary(vec![])),               // EMPTY_DICT
            b'(' => {
                self.marks.push(self.stack.len()); // MARK
                Ok(())
            }
            b'a' => self.pop().and_then(|item| self.append(vec![item])), // APPEND
            b'e' => self.since_mark().and_then(|items| self.append(items)), // APPENDS
            b's' => self.last(2).and_then(|pair| self.set_items(&pair)), // SETITEM
            b'u' => self.since_mark().and_then(|items| self.set_items(&items)), // SETITEMS
            b'c' => self.global(),                                       // GLOBAL
            0x93 => self.global_of_stack(),                              // STACK_GLOBAL
            b'Q' => self.storage(),                                      // BINPERSID
            b'R' => self.call(),                                         // REDUCE
            b'b' => self.build(),                                        // BUILD
            b'q' => self.unsigned(1).and_then(|key| self.put(key)),      // BINPUT
            b'r' => self.unsigned(4).and_then(|key| self.put(key)),      // LONG_BINPUT
            0x94 => self.put(self.memo.len() as u64),                    // MEMOIZE
            b'h' => self.unsigned(1).and_then(|key| self.get(key)),      // BINGET
            b'j' => self.unsigned(4).and_then(|key| self.get(key)),      // LONG_BINGET
            _ => Err(format!("the pickle instruction {instruction:#04x}, which no state dict needs")),
        }
    }

    fn take(&mut self, count: usize) -> Found<&'a [u8]> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| match self.bytes.len() {
            MOST_BYTES => format!("a pickle of more than {MOST_BYTES} bytes"),
            _ => "a pickle that is cut off".into(),
        })?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    /// A number of `width` bytes, the lowest first.
    fn unsigned(&mut self, width: usize) -> Found<u64> {
        Ok(self.take(width)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn length(&mut self, width: usize) -> Found<usize> {
        usize::try_from(self.unsigned(width)?).map_err(|why| why.to_string())
    }

    fn push(&mut self, value: Value<'a>) -> Found<()> {
        if self.values.len() == MOST_VALUES {
            return Err(format!("a pickle of more than {MOST_VALUES} values"));
        }
        self.stack.push(self.values.len());
        self.values.push(value);
        Ok(())
    }

    fn pop(&mut self) -> Found<Id> {
        self.stack.pop().ok_or_else(|| "a pickle that takes more than there is".into())
    }

    /// The last `count` values, taken off the stack.
    fn last(&mut self, count: usize) -> Found<Vec<Id>> {
        let start = self.stack.len().checked_sub(count);
        start
            .map(|start| self.stack.split_off(start))
            .ok_or_else(|| "a pickle that takes more than there is".into())
    }

    /// All values since the last mark, taken off the stack with it.
    fn since_mark(&mut self) -> Found<Vec<Id>> {
        let mark = self.marks.pop().filter(|mark| *mark <= self.stack.len());
        mark.map(|mark| self.stack.split_off(mark))
            .ok_or_else(|| "a pickle without a mark where it needs one".into())
    }

    fn whole(&mut self, width: usize) -> Found<()> {
        let number = self.unsigned(width)?;
        self.push(Value::Integer(number as i64))
    }

    fn signed(&mut self, width: usize) -> Found<()> {
        let unused = 64 - 8 * width as u32;
        let number = (self.unsigned(width)? << unused) as i64 >> unused;
        self.push(Value::Integer(number))
    }

    fn long(&mut self) -> Found<()> {
        match self.length(1)? {
            0 => self.push(Value::Integer(0)),
            width @ 1..=8 => self.signed(width),
            width => self.skip(width),
        }
    }

    fn skip(&mut self, count: usize) -> Found<()> {
        self.take(count)?;
        self.push(Value::Other)
    }

    fn opaque(&mut self, width: usize) -> Found<()> {
        let length = self.length(width)?;
        self.skip(length)
    }

    /// A text; Python 2 has bytes in its place, which need not be one.
    fn text(&mut self, width: usize) -> Found<()> {
        let length = self.length(width)?;
        let bytes = self.take(length)?;
        self.push(std::str::from_utf8(bytes).map_or(Value::Other, Value::Text))
    }

    fn tuple(&mut self, count: usize) -> Found<()> {
        let items = self.last(count)?;
        self.push(Value::Tuple(items))
    }

    fn append(&mut self, more: Vec<Id>) -> Found<()> {
        match self.stack.last().map(|list| &mut self.values[*list]) {
            Some(Value::List(items)) => items.extend(more),
            _ => return Err("items for something else than a list".into()),
        }
        Ok(())
    }

    fn set_items(&mut self, items: &[Id]) -> Found<()> {
        match (self.stack.last().map(|entry| &mut self.values[*entry]), items.as_chunks()) {
            (Some(Value::Dictionary(entries)), (pairs, [])) => {
                entries.extend(pairs.iter().map(|[key, value]| (*key, *value)));
                Ok(())
            }
            _ => Err("entries for something else than a dictionary".into()),
        }
    }

    fn global(&mut self) -> Found<()> {
        let (module, name) = (self.line()?, self.line()?);
        self.push(Value::Global(Global::find(&module, &name)?))
    }

    fn line(&mut self) -> Found<String> {
        let length = self.bytes[self.at..].iter().position(|byte| *byte == b'\n');
        let line = self.take(length.map_or(usize::MAX, |length| length + 1))?;
        Ok(String::from_utf8_lossy(&line[..line.len() - 1]).into_owned())
    }

    fn global_of_stack(&mut self) -> Found<()> {
        let names = self.last(2)?;
        let [Value::Text(module), Value::Text(name)] = [&self.values[names[0]], &self.values[names[1]]]
        else {
            return Err("a global whose name is no text".into());
        };
        let global = Global::find(module, name)?;
        self.push(Value::Global(global))
    }

    fn storage(&mut self) -> Found<()> {
        let described = self.pop()?;
        let storage = storage(&self.values, described)?;
        self.push(Value::Storage(storage.into()))
    }

    fn call(&mut self) -> Found<()> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        match call(&self.values, function, arguments)? {
            Called::New(value) => self.push(value),
            Called::Old(id) => {
                self.stack.push(id);
                Ok(())
            }
        }
    }

    /// Attributes of an ordered dictionary: the versions of PyTorch's modules, which no net needs.
    fn build(&mut self) -> Found<()> {
        self.pop()?;
        match self.stack.last().map(|object| &self.values[*object]) {
            Some(Value::Dictionary(_)) => Ok(()),
            _ => Err("attributes for something else than a dictionary".into()),
        }
    }

    fn put(&mut self, key: u64) -> Found<()> {
        let value = *self.stack.last().ok_or("a pickle that keeps what is not there")?;
        if self.memo.len() == MOST_VALUES {
            return Err(format!("a pickle that keeps more than {MOST_VALUES} values"));
        }
        self.memo.insert(key, value);
        Ok(())
    }

    fn get(&mut self, key: u64) -> Found<()> {
        let value = *self.memo.get(&key).ok_or("a pickle that asks for what it has not kept")?;
        self.stack.push(value);
        Ok(())
    }
}
