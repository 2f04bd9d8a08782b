//! Mutations: of bytes, and of messages taken apart into their frames and put together again, so that damage gets past
//! the first length.

/// What a message is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// So many bytes, then frames: a length of seven bits a byte, and as many bytes; frames may lie in frames.
    Frames(usize),
    /// So many bytes, then records: a kind, a length of eight bytes, and as many bytes.
    Records(usize),
}

/// SplitMix64 (Steele, Lea and Flood 2014).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Random(seed)
    }
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap_or(0)
    }
    /// Numbers at which arithmetic turns.
    fn edge(&mut self) -> u64 {
        let power = 1_u64 << self.below(64);
        match self.below(6) {
            0 => power,
            1 => power - 1,
            2 => power.wrapping_neg(),
            3 => u64::MAX - self.next() % 3,
            4 => self.next() % 300,
            _ => self.next(),
        }
    }
}

/// One of `seeds`, mutated a few times.
pub(crate) fn mutated(seeds: &[Vec<u8>], shape: Shape, random: &mut Random) -> Vec<u8> {
    let mut message = seeds[random.below(seeds.len())].clone();
    for _ in 0..=random.below(4) {
        match random.below(3) {
            0 => bytes(&mut message, seeds, random),
            _ => structure(&mut message, shape, random),
        }
    }
    message
}

fn bytes(message: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    let at = random.below(message.len() + 1);
    match random.below(8) {
        0 if at < message.len() => message[at] ^= 1 << random.below(8),
        1 if at < message.len() => message[at] = random.next().to_le_bytes()[0],
        2 => message.truncate(at),
        3 => {
            let to = at + random.below(message.len() - at + 1);
            drop(message.drain(at..to));
        }
        4 => {
            let edge = random.edge();
            let width = [1, 2, 4, 8][random.below(4)];
            let end = message.len().min(at + width);
            let len = end - at;
            message[at..end].copy_from_slice(&edge.to_le_bytes()[..len]);
        }
        5 => {
            let mut length = Vec::new();
            put_length(&mut length, random.edge());
            drop(message.splice(at..at, length));
        }
        6 => {
            let other = &seeds[random.below(seeds.len())];
            let from = random.below(other.len() + 1);
            message.truncate(at);
            message.extend_from_slice(&other[from..]);
        }
        _ => {
            let copy = message[at..message.len().min(at + 1 + random.below(40))].to_vec();
            let to = random.below(message.len() + 1);
            drop(message.splice(to..to, copy));
        }
    }
}

fn structure(message: &mut Vec<u8>, shape: Shape, random: &mut Random) {
    let (Shape::Frames(before) | Shape::Records(before)) = shape;
    if message.len() < before {
        return bytes(message, &[Vec::new()], random);
    }
    let rest = message.split_off(before);
    match (shape, random.below(4)) {
        // The fixed part: numbers of the header.
        (_, 0) => {
            let edge = random.edge().to_le_bytes();
            let at = random.below(before);
            let end = before.min(at + [1, 2, 4, 8][random.below(4)]);
            message[at..end].copy_from_slice(&edge[..end - at]);
            message.extend_from_slice(&rest);
        }
        (Shape::Frames(_), _) => message.extend(in_frames(&rest, random, 3)),
        (Shape::Records(_), _) => {
            let mut records = parts(&rest, record);
            shuffle(&mut records, random);
            for mut part in records {
                if random.below(4) == 0 && part.len() > 9 {
                    let inner = in_frames(&part.split_off(9), random, 1);
                    let len = match random.below(20) {
                        0 => random.edge(),
                        _ => inner.len() as u64,
                    };
                    part[1..9].copy_from_slice(&len.to_le_bytes());
                    part.extend(inner);
                }
                message.extend(part);
            }
        }
    }
}

/// Mutates one frame of those in `bytes`, or their order; `depth` frames deep at most.
fn in_frames(bytes_: &[u8], random: &mut Random, depth: usize) -> Vec<u8> {
    let mut frames = parts(bytes_, frame);
    if depth == 0 || frames.len() < 2 && random.below(2) == 0 {
        let mut bytes_ = bytes_.to_vec();
        bytes(&mut bytes_, &[Vec::new()], random);
        return bytes_;
    }
    if random.below(3) == 0 {
        shuffle(&mut frames, random);
    } else {
        let at = random.below(frames.len());
        let whole = &frames[at];
        let payload = length(whole).map_or(whole.as_slice(), |(_, behind)| behind);
        let inner = in_frames(payload, random, depth - 1);
        let mut changed = Vec::new();
        let honest = inner.len() as u64;
        let len = if random.below(20) == 0 {
            random.edge()
        } else {
            honest
        };
        put_length(&mut changed, len);
        changed.extend(inner);
        frames[at] = changed;
    }
    frames.concat()
}

fn shuffle(parts: &mut Vec<Vec<u8>>, random: &mut Random) {
    let (a, b) = (random.below(parts.len()), random.below(parts.len()));
    match random.below(3) {
        0 => parts.swap(a, b),
        1 => drop(parts.remove(a)),
        _ => parts.insert(b, parts[a].clone()),
    }
}

/// Cuts `bytes` into parts, at least one; what is none is the last.
fn parts(mut bytes: &[u8], first: fn(&[u8]) -> Option<usize>) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    while let Some((part, rest)) = first(bytes).and_then(|len| bytes.split_at_checked(len)) {
        parts.push(part.to_vec());
        bytes = rest;
    }
    if !bytes.is_empty() || parts.is_empty() {
        parts.push(bytes.to_vec());
    }
    parts
}

fn record(bytes: &[u8]) -> Option<usize> {
    let len = u64::from_le_bytes(*bytes.get(1..)?.first_chunk()?);
    usize::try_from(len).ok()?.checked_add(9)
}

fn frame(bytes: &[u8]) -> Option<usize> {
    let (len, behind) = length(bytes)?;
    usize::try_from(len)
        .ok()?
        .checked_add(bytes.len() - behind.len())
}

fn length(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (at, byte) in bytes.iter().take(9).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[at + 1..]));
        }
    }
    None
}

fn put_length(out: &mut Vec<u8>, mut length: u64) {
    while length >= 0x80 {
        out.push(length.to_le_bytes()[0] | 0x80);
        length >>= 7;
    }
    out.push(length.to_le_bytes()[0]);
}
