//! A reader for the few pickle operations that a PyTorch state dictionary is made of.
//!
//! A pickle is a program for a small stack machine, and Python's own reader lets it call any function. This one calls
//! nothing: it knows a list of harmless names, rebuilds dictionaries and references to arrays, and refuses all else.
//! Values live in an arena and refer to each other by index, so that shared values are not copied and a hostile file
//! can't make the result grow faster than itself.

use std::collections::HashMap;

use super::pth_error::PthError;

/// Index of a value in [`Pickle::values`].
pub(super) type Id = usize;

/// A kind of number in a storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Float,
    Double,
    Half,
    BFloat16,
    /// Integers and truth values, by their size in bytes. They are counters, no weights, and are left out.
    Whole(usize),
}

impl Kind {
    pub(super) fn size(self) -> usize {
        match self {
            Self::Float => 4,
            Self::Double => 8,
            Self::Half | Self::BFloat16 => 2,
            Self::Whole(size) => size,
        }
    }
}

/// A name that a pickle may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Global {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    Storage(Kind),
}

impl Global {
    fn find(module: &str, name: &str) -> Option<Self> {
        Some(match (module, name) {
            ("collections", "OrderedDict") => Self::OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2") => Self::RebuildTensor,
            ("torch._utils", "_rebuild_parameter") => Self::RebuildParameter,
            ("torch", "FloatStorage") => Self::Storage(Kind::Float),
            ("torch", "DoubleStorage") => Self::Storage(Kind::Double),
            ("torch", "HalfStorage") => Self::Storage(Kind::Half),
            ("torch", "BFloat16Storage") => Self::Storage(Kind::BFloat16),
            ("torch", "LongStorage") => Self::Storage(Kind::Whole(8)),
            ("torch", "IntStorage") => Self::Storage(Kind::Whole(4)),
            ("torch", "ShortStorage") => Self::Storage(Kind::Whole(2)),
            ("torch", "CharStorage" | "ByteStorage" | "BoolStorage") => Self::Storage(Kind::Whole(1)),
            _ => return None,
        })
    }
}

/// A view into a storage.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TensorRef {
    pub(super) storage: Id,
    pub(super) offset: usize,
    pub(super) shape: Vec<usize>,
    pub(super) strides: Vec<usize>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    None,
    Bool,
    Int(i64),
    /// An integer of more than eight bytes, little endian.
    LongInt(Vec<u8>),
    Float,
    Text(String),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Global(Global),
    Storage {
        key: String,
        kind: Kind,
        elements: usize,
    },
    Tensor(TensorRef),
}

/// What a pickle rebuilt.
#[derive(Debug)]
pub(super) struct Pickle {
    pub(super) values: Vec<Value>,
    pub(super) result: Id,
    /// Bytes of the pickle, its end marker among them.
    pub(super) length: usize,
}

/// More values than any state dictionary has.
const MOST_VALUES: usize = 1 << 22;

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    values: Vec<Value>,
    stack: Vec<Id>,
    /// Heights of the stack at the open marks.
    marks: Vec<usize>,
    memo: HashMap<usize, Id>,
}

/// Reads the pickle that `bytes` begin with.
pub(super) fn read(bytes: &[u8]) -> Result<Pickle, PthError> {
    let machine =
        Machine { bytes, at: 0, values: Vec::new(), stack: Vec::new(), marks: Vec::new(), memo: HashMap::new() };
    machine.run()
}

impl Machine<'_> {
    fn run(mut self) -> Result<Pickle, PthError> {
        loop {
            let at = self.at;
            match self.byte()? {
                // PROTO: the version that Python wrote; the operations themselves are what counts.
                0x80 => {
                    self.byte()?;
                }
                b'.' => {
                    let result = self.pop()?;
                    return Ok(Pickle { values: self.values, result, length: self.at });
                }
                b'(' => self.marks.push(self.stack.len()),
                b'N' => self.push(Value::None)?,
                0x88 | 0x89 => self.push(Value::Bool)?,
                b'K' => {
                    let value = i64::from(self.byte()?);
                    self.push(Value::Int(value))?;
                }
                b'M' => {
                    let value = i64::from(u16::from_le_bytes(self.array()?));
                    self.push(Value::Int(value))?;
                }
                b'J' => {
                    let value = i64::from(i32::from_le_bytes(self.array()?));
                    self.push(Value::Int(value))?;
                }
                0x8a => self.long()?,
                b'G' => {
                    self.array::<8>()?;
                    self.push(Value::Float)?;
                }
                b'X' | b'T' => {
                    let length = u32::from_le_bytes(self.array()?) as usize;
                    self.text(length)?;
                }
                0x8c | b'U' => {
                    let length = usize::from(self.byte()?);
                    self.text(length)?;
                }
                b')' => self.push(Value::Tuple(Vec::new()))?,
                b']' => self.push(Value::List(Vec::new()))?,
                b'}' => self.push(Value::Dict(Vec::new()))?,
                b't' => {
                    let items = self.since_mark()?;
                    self.push(Value::Tuple(items))?;
                }
                count @ 0x85..=0x87 => {
                    let items = self.pop_many(usize::from(count - 0x84))?;
                    self.push(Value::Tuple(items))?;
                }
                b'a' => {
                    let item = self.pop()?;
                    self.append(vec![item])?;
                }
                b'e' => {
                    let items = self.since_mark()?;
                    self.append(items)?;
                }
                b's' => {
                    let items = self.pop_many(2)?;
                    self.set(&items)?;
                }
                b'u' => {
                    let items = self.since_mark()?;
                    self.set(&items)?;
                }
                b'q' => {
                    let key = usize::from(self.byte()?);
                    self.remember(key)?;
                }
                b'r' => {
                    let key = u32::from_le_bytes(self.array()?) as usize;
                    self.remember(key)?;
                }
                // MEMOIZE: the next free key.
                0x94 => self.remember(self.memo.len())?,
                b'h' => {
                    let key = usize::from(self.byte()?);
                    self.recall(key)?;
                }
                b'j' => {
                    let key = u32::from_le_bytes(self.array()?) as usize;
                    self.recall(key)?;
                }
                // FRAME: only a hint for buffering.
                0x95 => {
                    self.array::<8>()?;
                }
                b'c' => {
                    let module = self.line()?;
                    let name = self.line()?;
                    let global = Global::find(&module, &name)
                        .ok_or_else(|| PthError::Name { name: format!("{module}.{name}") })?;
                    self.push(Value::Global(global))?;
                }
                b'R' => self.reduce()?,
                // BUILD sets attributes; those of an ordered dictionary (`_metadata`) are not needed.
                b'b' => {
                    self.pop()?;
                    let target = *self.stack.last().ok_or(PthError::Malformed("it sets attributes of nothing"))?;
                    if !matches!(self.values[target], Value::Dict(_)) {
                        return Err(PthError::Malformed("it sets attributes of something that is no dictionary"));
                    }
                }
                b'Q' => self.storage()?,
                code => return Err(PthError::Operation { code, at }),
            }
        }
    }

    fn byte(&mut self) -> Result<u8, PthError> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], PthError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let array = *rest.first_chunk::<N>().ok_or(PthError::Truncated)?;
        self.at += N;
        Ok(array)
    }

    fn take(&mut self, length: usize) -> Result<&[u8], PthError> {
        let end = self.at.checked_add(length).ok_or(PthError::Truncated)?;
        let taken = self.bytes.get(self.at..end).ok_or(PthError::Truncated)?;
        self.at = end;
        Ok(taken)
    }

    fn line(&mut self) -> Result<String, PthError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|&byte| byte == b'\n').ok_or(PthError::Truncated)?;
        let line = String::from_utf8_lossy(&rest[..length]).into_owned();
        self.at += length + 1;
        Ok(line)
    }

    fn text(&mut self, length: usize) -> Result<(), PthError> {
        let text = String::from_utf8_lossy(self.take(length)?).into_owned();
        self.push(Value::Text(text))
    }

    fn long(&mut self) -> Result<(), PthError> {
        let length = usize::from(self.byte()?);
        let bytes = self.take(length)?;
        let value = if length <= 8 {
            let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
            let mut eight = if negative { [0xff; 8] } else { [0; 8] };
            eight[..length].copy_from_slice(bytes);
            Value::Int(i64::from_le_bytes(eight))
        } else {
            Value::LongInt(bytes.to_vec())
        };
        self.push(value)
    }

    fn push(&mut self, value: Value) -> Result<(), PthError> {
        if self.values.len() >= MOST_VALUES || self.stack.len() >= MOST_VALUES {
            return Err(PthError::Malformed("it has far more values than a state dictionary"));
        }
        self.stack.push(self.values.len());
        self.values.push(value);
        Ok(())
    }

    fn pop(&mut self) -> Result<Id, PthError> {
        // What lies below an open mark is not to be had before the mark is closed.
        let floor = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= floor {
            return Err(PthError::Malformed("it takes a value from an empty stack"));
        }
        self.stack.pop().ok_or(PthError::Malformed("it takes a value from an empty stack"))
    }

    fn pop_many(&mut self, count: usize) -> Result<Vec<Id>, PthError> {
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(self.pop()?);
        }
        items.reverse();
        Ok(items)
    }

    fn since_mark(&mut self) -> Result<Vec<Id>, PthError> {
        let height = self.marks.pop().ok_or(PthError::Malformed("it closes a mark that was not opened"))?;
        Ok(self.stack.split_off(height))
    }

    fn top(&mut self) -> Result<&mut Value, PthError> {
        let top = *self.stack.last().ok_or(PthError::Malformed("it fills a container that is not there"))?;
        Ok(&mut self.values[top])
    }

    fn append(&mut self, mut items: Vec<Id>) -> Result<(), PthError> {
        match self.top()? {
            Value::List(list) => list.append(&mut items),
            _ => return Err(PthError::Malformed("it appends to something that isn't a list")),
        }
        Ok(())
    }

    fn set(&mut self, items: &[Id]) -> Result<(), PthError> {
        if !items.len().is_multiple_of(2) {
            return Err(PthError::Malformed("a dictionary has a key without a value"));
        }
        match self.top()? {
            Value::Dict(pairs) => pairs.extend(items.chunks_exact(2).map(|pair| (pair[0], pair[1]))),
            _ => return Err(PthError::Malformed("it sets an item of something that is no dictionary")),
        }
        Ok(())
    }

    fn remember(&mut self, key: usize) -> Result<(), PthError> {
        let top = *self.stack.last().ok_or(PthError::Malformed("it remembers a value from an empty stack"))?;
        self.memo.insert(key, top);
        Ok(())
    }

    fn recall(&mut self, key: usize) -> Result<(), PthError> {
        let id = *self.memo.get(&key).ok_or(PthError::Malformed("it recalls a value that it didn't remember"))?;
        if self.stack.len() >= MOST_VALUES {
            return Err(PthError::Malformed("it has far more values than a state dictionary"));
        }
        self.stack.push(id);
        Ok(())
    }

    /// A persistent id is a tuple ("storage", kind, key, device, number of elements, ...).
    fn storage(&mut self) -> Result<(), PthError> {
        const FOREIGN: PthError = PthError::Malformed("it refers to something outside that is no array");
        let id = self.pop()?;
        let Value::Tuple(parts) = &self.values[id] else { return Err(FOREIGN) };
        let [Value::Text(word), Value::Global(Global::Storage(kind)), Value::Text(key), _, Value::Int(elements)] =
            parts.iter().take(5).map(|&part| &self.values[part]).collect::<Vec<_>>()[..]
        else {
            return Err(FOREIGN);
        };
        let elements = usize::try_from(*elements).map_err(|_| FOREIGN)?;
        if word != "storage" {
            return Err(FOREIGN);
        }
        let storage = Value::Storage { key: key.clone(), kind: *kind, elements };
        self.push(storage)
    }

    fn reduce(&mut self) -> Result<(), PthError> {
        let arguments = self.pop()?;
        let function = self.pop()?;
        let Value::Tuple(arguments) = &self.values[arguments] else {
            return Err(PthError::Malformed("it calls something without a tuple of arguments"));
        };
        let value = match (&self.values[function], arguments.as_slice()) {
            (Value::Global(Global::OrderedDict), []) => Value::Dict(Vec::new()),
            (Value::Global(Global::RebuildParameter), [data, ..]) => {
                let data = *data;
                self.stack.push(data);
                return Ok(());
            }
            (Value::Global(Global::RebuildTensor), [storage, offset, shape, strides, ..]) => {
                let tensor = TensorRef {
                    storage: *storage,
                    offset: self.size(*offset)?,
                    shape: self.sizes(*shape)?,
                    strides: self.sizes(*strides)?,
                };
                if !matches!(self.values[*storage], Value::Storage { .. }) || tensor.shape.len() != tensor.strides.len()
                {
                    return Err(PthError::Malformed("an array is not made from a storage, a shape and strides"));
                }
                Value::Tensor(tensor)
            }
            _ => return Err(PthError::Malformed("it calls a name in a way that no state dictionary does")),
        };
        self.push(value)
    }

    fn size(&self, id: Id) -> Result<usize, PthError> {
        match &self.values[id] {
            Value::Int(size) => usize::try_from(*size).map_err(|_| PthError::Malformed("a size is negative")),
            _ => Err(PthError::Malformed("a size is no number")),
        }
    }

    fn sizes(&self, id: Id) -> Result<Vec<usize>, PthError> {
        match &self.values[id] {
            Value::Tuple(sizes) => sizes.iter().map(|&size| self.size(size)).collect(),
            _ => Err(PthError::Malformed("a shape is not a tuple")),
        }
    }
}
