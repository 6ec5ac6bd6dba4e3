//! What a pickle of a state dict may hold: plain containers, and tensors. Every other global is refused by its name.

use super::view::{Kind, Storage, View};
use super::{Found, shown};

/// A place among a pickle's values.
pub(super) type Id = usize;

/// One value. Containers hold the places of theirs, so that a container may hold itself and nothing is copied.
#[derive(Debug)]
pub(super) enum Value<'a> {
    /// None, a fraction, bytes: nothing that a tensor is made of.
    Other,
    Boolean(bool),
    Integer(i64),
    Text(&'a str),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dictionary(Vec<(Id, Id)>),
    Global(Global),
    Storage(Box<Storage<'a>>),
    Tensor(Box<View<'a>>),
}

/// The names of Python's that are known here. None of them is called: what they stand for is made by [`call`].
#[derive(Debug, Clone, Copy)]
pub(super) enum Global {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    Storage(Kind),
}

/// What a call makes, or what it passes on.
pub(super) enum Called<'a> {
    New(Value<'a>),
    Old(Id),
}

impl Global {
    pub(super) fn find(module: &str, name: &str) -> Found<Self> {
        Ok(match (module, name) {
            ("collections", "OrderedDict") => Self::OrderedDict,
            ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Self::RebuildTensor,
            ("torch._utils", "_rebuild_parameter") => Self::RebuildParameter,
            ("torch", "HalfStorage") => Self::Storage(Kind::F16),
            ("torch", "BFloat16Storage") => Self::Storage(Kind::Bf16),
            ("torch", "FloatStorage") => Self::Storage(Kind::F32),
            ("torch", "DoubleStorage") => Self::Storage(Kind::F64),
            ("torch", "LongStorage") => Self::Storage(Kind::I64),
            _ => {
                let global = shown(&format!("{module}.{name}"));
                let why = "only tensors and plain containers are read, and nothing is run";
                return Err(format!("the global {global}: {why}"));
            }
        })
    }
}

impl Value<'_> {
    /// Its kind, in words.
    pub(super) fn description(&self) -> &'static str {
        match self {
            Self::Other => "a value that is no dictionary of tensors",
            Self::Boolean(_) => "a boolean",
            Self::Integer(_) => "an integer",
            Self::Text(_) => "a text",
            Self::Tuple(_) => "a tuple",
            Self::List(_) => "a list",
            Self::Dictionary(_) => "a dictionary",
            Self::Global(_) => "the name of a class or function",
            Self::Storage(_) => "a storage",
            Self::Tensor(_) => "a single tensor",
        }
    }
}

/// What Python would make of `function` and its arguments.
pub(super) fn call<'a>(values: &[Value<'a>], function: Id, arguments: Id) -> Found<Called<'a>> {
    let (Value::Global(function), Value::Tuple(arguments)) = (&values[function], &values[arguments]) else {
        return Err(format!("a call of {}", values[function].description()));
    };
    match function {
        Global::OrderedDict => pairs(values, arguments).map(|pairs| Called::New(Value::Dictionary(pairs))),
        Global::RebuildTensor => {
            tensor(values, arguments).map(|view| Called::New(Value::Tensor(view.into())))
        }
        Global::RebuildParameter => match arguments.first() {
            Some(tensor) if matches!(values[*tensor], Value::Tensor(_)) => Ok(Called::Old(*tensor)),
            _ => Err("a parameter without a tensor".into()),
        },
        Global::Storage(_) => Err("a storage made by a call".into()),
    }
}

/// Of an ordered dictionary: none, or a list of keys with their values, as Python 2 has it.
fn pairs(values: &[Value<'_>], arguments: &[Id]) -> Found<Vec<(Id, Id)>> {
    let Some(list) = arguments.first() else { return Ok(Vec::new()) };
    let Value::List(items) = &values[*list] else { return Err("a dictionary made from no list".into()) };
    let pair = |item: &Id| match &values[*item] {
        Value::List(pair) | Value::Tuple(pair) if pair.len() == 2 => Ok((pair[0], pair[1])),
        other => Err(format!("{} in place of a key and its value", other.description())),
    };
    items.iter().map(pair).collect()
}

/// From a storage, an offset, a shape and strides.
fn tensor<'a>(values: &[Value<'a>], arguments: &[Id]) -> Found<View<'a>> {
    let [storage, offset, shape, strides, ..] = arguments else {
        return Err("a tensor with too few arguments".into());
    };
    let (Value::Storage(storage), Value::Integer(offset)) = (&values[*storage], &values[*offset]) else {
        return Err("a tensor without a storage and an offset".into());
    };
    View::new(**storage, number(*offset)?, numbers(values, *shape)?, numbers(values, *strides)?)
}

/// From `("storage", type, key, location, number of values)`; the old format adds what is None for a whole storage.
pub(super) fn storage<'a>(values: &[Value<'a>], described: Id) -> Found<Storage<'a>> {
    let Value::Tuple(parts) = &values[described] else {
        return Err("a storage without a description".into());
    };
    let (parts, view) = parts.split_at_checked(5).ok_or("a storage without a description")?;
    if view.iter().any(|part| !matches!(values[*part], Value::Other)) {
        return Err("a storage that is part of another, as PyTorch before 0.4 wrote it".into());
    }
    let parts = [parts[0], parts[1], parts[2], parts[4]].map(|part| &values[part]);
    let [
        Value::Text("storage"),
        Value::Global(Global::Storage(kind)),
        Value::Text(key),
        Value::Integer(count),
    ] = parts
    else {
        return Err("something else than a storage beside the pickle".into());
    };
    Ok(Storage { kind: *kind, key, count: number(*count)? })
}

fn numbers(values: &[Value<'_>], tuple: Id) -> Found<Vec<usize>> {
    let Value::Tuple(items) = &values[tuple] else { return Err("a tensor's shape that is no tuple".into()) };
    let item = |item: &Id| match values[*item] {
        Value::Integer(value) => number(value),
        _ => Err("a tensor's shape that is not of integers".into()),
    };
    items.iter().map(item).collect()
}

fn number(value: i64) -> Found<usize> {
    usize::try_from(value).map_err(|_| format!("the number {value} for a place or a length"))
}
