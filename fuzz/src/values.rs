//! Bytes read as values: any number, and odd ones often; any text. When the bytes are at their end, all is zero or empty.

/// Numbers at which something may turn over.
const ODD: [f32; 12] = [
    f32::NAN,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::MAX,
    f32::MIN,
    f32::MIN_POSITIVE,
    f32::from_bits(1),
    -0.0,
    0.0,
    1.0,
    -0.04,
    16_777_216.0,
];

/// Takes values from bytes, from the front.
pub(crate) struct Values<'a>(pub(crate) &'a [u8]);

impl<'a> Values<'a> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.byte())
    }

    /// A number below `end`, which is at most 256.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    pub(crate) fn whole(&mut self) -> u64 {
        let all = u64::from_le_bytes(self.bytes());
        self.pick(&[0, 1, u64::MAX, all, all >> 32, all >> 48])
    }

    pub(crate) fn signed(&mut self) -> i64 {
        let all = i64::from_le_bytes(self.bytes());
        self.pick(&[0, -1, i64::MIN, i64::MAX, all, all >> 32])
    }

    pub(crate) fn float(&mut self) -> f32 {
        match self.byte() {
            at if usize::from(at) < ODD.len() => ODD[usize::from(at)],
            at if at < 128 => (f32::from(at) - 64.0) / 8.0,
            _ => f32::from_le_bytes(self.bytes()),
        }
    }

    /// A text of up to 255 bytes; what is no UTF-8 is replaced, as it is where paths become names.
    pub(crate) fn text(&mut self) -> String {
        let length = usize::from(self.byte()).min(self.0.len());
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        String::from_utf8_lossy(text).into_owned()
    }

    pub(crate) fn maybe<T>(&mut self, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.byte() % 2 == 1).then(|| value(self))
    }

    /// All that is left.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.0
    }
}
