//! The transcoder beside prost-reflect, which reads and writes messages another
//! way: on random messages of every kind of field, and on what random damage
//! makes of their bytes and texts.

#![allow(clippy::unwrap_used, clippy::panic)]

use prost::Message as _;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value,
};
use transcode::{Messages, OutputError, Style};

const ALL_TYPES: &str = "protobuf_test_messages.proto3.TestAllTypesProto3";

/// A small generator, the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn index(&mut self, sides: usize) -> usize {
        usize::try_from(self.roll(sides as u64)).unwrap()
    }

    /// Small, at the edges, or anything.
    fn number(&mut self) -> i64 {
        let wide = (self.roll(1 << 31) << 33 | self.roll(1 << 31) << 2 | self.roll(4)).cast_signed();
        match self.roll(4) {
            0 => i64::try_from(self.roll(300)).unwrap() - 150,
            1 => [i64::MAX, i64::MIN, i64::from(i32::MAX), i64::from(i32::MIN), 0, -1][self.index(6)],
            _ => wide,
        }
    }

    fn text(&mut self) -> String {
        let chars =
            ['a', 'Z', '0', ' ', '"', '\\', '/', '\n', '\u{0}', '\u{1f}', '\u{7f}', 'é', '語', '😀', '<'];
        (0..self.roll(12)).map(|_| chars[self.index(chars.len())]).collect()
    }

    fn value(&mut self, kind: &Kind, depth: usize) -> Value {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        match kind {
            Kind::Bool => Value::Bool(self.roll(2) == 0),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(self.number() as i32),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(self.number()),
            Kind::Uint32 | Kind::Fixed32 => Value::U32(self.number() as u32),
            Kind::Uint64 | Kind::Fixed64 => Value::U64(self.number() as u64),
            Kind::Float => Value::F32(match self.roll(6) {
                0 => [f32::INFINITY, f32::NEG_INFINITY, 3e38, f32::MIN_POSITIVE, -0.0][self.index(5)],
                _ => Some(f32::from_bits(self.number() as u32)).filter(|one| !one.is_nan()).unwrap_or(0.1),
            }),
            Kind::Double => Value::F64(match self.roll(6) {
                0 => [f64::INFINITY, f64::NEG_INFINITY, f64::MAX, 5e-324, -0.0][self.index(5)],
                _ => Some(f64::from_bits(self.number() as u64)).filter(|one| !one.is_nan()).unwrap_or(0.1),
            }),
            Kind::String => Value::String(self.text()),
            Kind::Bytes => Value::Bytes(self.text().into_bytes().into()),
            Kind::Enum(of) if of.full_name() == "google.protobuf.NullValue" => Value::EnumNumber(0),
            Kind::Enum(of) => match self.roll(4) {
                0 => Value::EnumNumber(self.number() as i32),
                _ => Value::EnumNumber(of.values().nth(self.index(of.values().len())).unwrap().number()),
            },
            Kind::Message(of) => Value::Message(self.message(of, depth + 1)),
        }
    }

    fn message(&mut self, of: &MessageDescriptor, depth: usize) -> DynamicMessage {
        let mut message = DynamicMessage::new(of.clone());
        let mut set = |name: &str, value: Value| message.set_field_by_name(name, value);
        #[allow(clippy::cast_possible_truncation)]
        match of.full_name() {
            "google.protobuf.Timestamp" => {
                set("seconds", Value::I64(self.number().rem_euclid(315_537_897_600) - 62_135_596_800));
                set("nanos", Value::I32([0, 1, 1000, 5_000_000, 999_999_999][self.index(5)]));
            }
            "google.protobuf.Duration" => {
                let sign = [1, -1][self.index(2)];
                set("seconds", Value::I64(sign * (self.number().rem_euclid(315_576_000_000))));
                set("nanos", Value::I32(sign as i32 * [0, 1, 1000, 5_000_000, 999_999_999][self.index(5)]));
            }
            "google.protobuf.FieldMask" => {
                let paths = ["a", "foo_bar", "a.b_c.d", "x1"];
                let some = (0..self.roll(3)).map(|_| Value::String(paths[self.index(4)].to_owned()));
                set("paths", Value::List(some.collect()));
            }
            "google.protobuf.Value" => match self.roll(if depth > 4 { 4 } else { 6 }) {
                0 => set("null_value", Value::EnumNumber(0)),
                1 => set("number_value", Value::F64(f64::from(self.number() as i32) / 8.0)),
                2 => set("string_value", Value::String(self.text())),
                3 => set("bool_value", Value::Bool(self.roll(2) == 0)),
                4 => set("struct_value", self.named(of, "struct_value", depth)),
                _ => set("list_value", self.named(of, "list_value", depth)),
            },
            "google.protobuf.Any" => {
                // Types without maps: the order of entries is in the bytes.
                let inner = ["google.protobuf.Duration", "protobuf_test_messages.proto3.ForeignMessage"]
                    [self.index(2)];
                let of = of.parent_pool().get_message_by_name(inner).unwrap();
                set("type_url", Value::String(format!("type.googleapis.com/{inner}")));
                set("value", Value::Bytes(self.message(&of, depth + 1).encode_to_vec().into()));
            }
            _ => {
                let chance = 3 + 20 * depth as u64;
                for field in of.fields() {
                    if self.roll(chance) == 0 || of.full_name().starts_with("google.protobuf.") {
                        let value = self.field(&field, depth);
                        message.set_field(&field, value);
                    }
                }
            }
        }
        message
    }

    fn named(&mut self, of: &MessageDescriptor, name: &str, depth: usize) -> Value {
        self.value(&of.get_field_by_name(name).unwrap().kind(), depth)
    }

    fn field(&mut self, field: &FieldDescriptor, depth: usize) -> Value {
        let kind = field.kind();
        if field.is_map() {
            let entry = kind.as_message().unwrap();
            let (key, value) = (entry.map_entry_key_field().kind(), entry.map_entry_value_field().kind());
            let entries = (0..self.roll(4)).map(|_| {
                let key: Option<MapKey> = self.value(&key, depth).into_map_key();
                (key.unwrap(), self.value(&value, depth))
            });
            return Value::Map(entries.collect());
        }
        if field.is_list() {
            return Value::List((0..self.roll(4)).map(|_| self.value(&kind, depth)).collect());
        }
        self.value(&kind, depth)
    }

    /// Cuts, doubles, swaps and overwrites.
    fn damage(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.roll(3) {
            let len = bytes.len();
            if len < 4 {
                return;
            }
            match self.roll(5) {
                0 => bytes.truncate(self.index(len)),
                1 => {
                    let (from, count) = (self.index(len), self.index(40));
                    let part = bytes[from..(from + count).min(len)].to_vec();
                    let at = self.index(len);
                    bytes.splice(at..at, part);
                }
                2 => drop(bytes.remove(self.index(len))),
                _ => {
                    let at = self.index(len);
                    bytes[at] = u8::try_from(self.roll(256)).unwrap();
                }
            }
        }
    }
}

fn pool() -> DescriptorPool {
    DescriptorPool::decode(&include_bytes!("conformance/descriptors.bin")[..]).unwrap()
}

/// Compares what prost-reflect prints, which is the same for an unset field and
/// one that is set to its default.
#[track_caller]
fn assert_same(ours: &DynamicMessage, expected: &DynamicMessage, seed: u64) {
    let shown = |message| serde_json::to_value(message).ok();
    assert_eq!(shown(ours), shown(expected), "seed {seed}");
}

/// What prost-reflect reads in a JSON text.
fn reflected(of: &MessageDescriptor, json: &[u8], seed: u64) -> DynamicMessage {
    let mut reader = serde_json::Deserializer::from_slice(json);
    DynamicMessage::deserialize(of.clone(), &mut reader)
        .unwrap_or_else(|error| panic!("seed {seed}: {error}: {}", json.escape_ascii()))
}

#[test]
fn random_messages_are_the_same_both_ways() {
    let pool = pool();
    let canonical = Messages::new(&pool, Style::CANONICAL);
    let ours = Messages::new(&pool, Style::FRONTDESK);
    let of = pool.get_message_by_name(ALL_TYPES).unwrap();
    for seed in 0..2000 {
        let message = Dice(seed).message(&of, 0);
        let wire = message.encode_to_vec();
        let json = canonical.to_json(ALL_TYPES, &wire).unwrap().unwrap();
        assert_same(&reflected(&of, &json, seed), &message, seed);
        for (messages, json) in
            [(&canonical, json), (&ours, ours.to_json(ALL_TYPES, &wire).unwrap().unwrap())]
        {
            let back = messages.to_wire(ALL_TYPES, &json).unwrap();
            let back = back.unwrap_or_else(|error| panic!("seed {seed}: {} {error}", error.field));
            assert_same(&DynamicMessage::decode(of.clone(), &*back).unwrap(), &message, seed);
        }
    }
}

#[test]
fn fields_in_any_order_and_parts_mean_the_same() {
    let pool = pool();
    let canonical = Messages::new(&pool, Style::CANONICAL);
    let of = pool.get_message_by_name(ALL_TYPES).unwrap();
    let mut same = 0;
    for seed in 0..1000 {
        let mut dice = Dice(seed);
        // Messages one after the other are one message, merged.
        let parts = [dice.message(&of, 0), dice.message(&of, 0), dice.message(&of, 1)];
        let wire = parts.iter().flat_map(prost::Message::encode_to_vec).collect::<Vec<_>>();
        let merged = DynamicMessage::decode(of.clone(), &*wire).unwrap();
        let json = match canonical.to_json(ALL_TYPES, &wire).unwrap() {
            Ok(json) => json,
            // Merged durations may have two signs.
            Err(OutputError::NoJson) => continue,
            Err(error) => panic!("seed {seed}: {error}"),
        };
        same += 1;
        assert_same(&reflected(&of, &json, seed), &merged, seed);
    }
    assert!(same > 500, "{same}");
}

#[test]
fn damaged_wire_is_read_as_prost_reflect_reads_it_or_refused() {
    let pool = pool();
    let canonical = Messages::new(&pool, Style::CANONICAL);
    let of = pool.get_message_by_name(ALL_TYPES).unwrap();
    let (mut read, mut refused, mut replaced, mut stricter) = (0, 0, 0, 0);
    for seed in 0..20_000 {
        let mut dice = Dice(seed);
        let mut wire = dice.message(&of, 1).encode_to_vec();
        dice.damage(&mut wire);
        match (canonical.to_json(ALL_TYPES, &wire).unwrap(), DynamicMessage::decode(of.clone(), &*wire)) {
            (Ok(json), Ok(message)) => {
                read += 1;
                assert_same(&reflected(&of, &json, seed), &message, seed);
            }
            // A value that a later one replaces is not looked at.
            (Ok(json), Err(_)) => {
                replaced += 1;
                assert!(canonical.to_wire(ALL_TYPES, &json).unwrap().is_ok(), "seed {seed}");
            }
            // prost-reflect does not look at the wire type of a map, and reads the
            // inside of an `Any` when it is printed.
            (Err(OutputError::Malformed), Ok(_)) => stricter += 1,
            (Err(_), _) => refused += 1,
        }
    }
    let counts = format!("{read} read, {refused} refused, {replaced} replaced, {stricter} stricter");
    assert!(read > 1000 && refused > 1000 && replaced < 20 && stricter < 40, "{counts}");
}

#[test]
fn damaged_json_is_read_as_prost_reflect_reads_it_or_refused() {
    let pool = pool();
    let canonical = Messages::new(&pool, Style::CANONICAL);
    let of = pool.get_message_by_name(ALL_TYPES).unwrap();
    let (mut read, mut refused) = (0, 0);
    for seed in 0..20_000 {
        let mut dice = Dice(seed);
        let wire = dice.message(&of, 1).encode_to_vec();
        let mut json = canonical.to_json(ALL_TYPES, &wire).unwrap().unwrap();
        dice.damage(&mut json);
        let Ok(back) = canonical.to_wire(ALL_TYPES, &json).unwrap() else {
            refused += 1;
            continue;
        };
        read += 1;
        let ours = DynamicMessage::decode(of.clone(), &*back).unwrap();
        assert_same(&ours, &reflected(&of, &json, seed), seed);
    }
    assert!(read > 300 && refused > 1000, "{read} read, {refused} refused");
}
