//! Warm-up and numerical self-test of an accelerator, in one: test patterns are run on it and on the CPU.
//!
//! Pure but for the two networks, which come as [`Run`]. An accelerator that computes something else is refused with the
//! figures: wrong verdicts are worse than slow ones.

use std::fmt;

use super::workload::{Form, Workload};

/// Pictures that are tried. A multiple of each size of batch in [`super::workload::BATCHES`].
const TEXTURES: usize = 8;

/// Differences below this share of an output's largest value are rounding, however small its spread: a float32 has 24
/// bits, and thousands of products are summed.
const ROUNDING: f32 = 1e-5;

/// Values of an input, row-major.
#[derive(Clone, Debug, PartialEq)]
pub enum Picture {
    /// Unsigned bytes.
    Bytes(Vec<u8>),
    /// 32-bit floats in 0 to 255.
    Floats(Vec<f32>),
}

/// An output of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// Its values, row-major, the batch outermost.
    pub values: Vec<f32>,
}

/// A network that can be tried.
pub trait Run {
    /// Its outputs, in the same order each time.
    ///
    /// # Errors
    ///
    /// What it says when it fails.
    fn run(&mut self, shape: [usize; 4], picture: &Picture) -> Result<Vec<Output>, String>;
}

/// An output that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Name of the output.
    pub output: String,
    /// Size of the batch that it came out of.
    pub batch: usize,
    /// The largest difference.
    pub largest: f32,
    /// The spread of the output on the processor: its largest value less its smallest, over all pictures.
    pub spread: f32,
    /// The share of the spread that is allowed.
    pub tolerance: f32,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { output, batch, largest, spread, tolerance } = self;
        write!(
            f,
            "it computes otherwise than the processor: output `{output}` by {largest:.3e} in a batch of {batch}, \
             allowed are {:.3e} ({tolerance} of its spread {spread:.3e})",
            tolerance * spread
        )
    }
}

/// Runs `candidate` in each size of batch of the workload, and holds it against `reference`.
///
/// Gives the largest difference as a share of the spread of its output.
///
/// # Errors
///
/// When one of them fails, or an output differs by more than `tolerance` of its spread.
pub fn check(
    reference: &mut dyn Run,
    candidate: &mut dyn Run,
    workload: &Workload,
    tolerance: f32,
) -> Result<f32, String> {
    let whole = *workload.batches.last().ok_or("it has no size of batch")?;
    let expected = runs(reference, workload, whole).map_err(|error| format!("the processor fails: {error}"))?;
    let mut largest = 0.0_f32;
    for &batch in &workload.batches {
        let got = runs(candidate, workload, batch).map_err(|error| format!("a batch of {batch} fails: {error}"))?;
        let share = compare(&expected, &got, batch, tolerance).map_err(|difference| difference.to_string())?;
        largest = largest.max(share);
    }
    Ok(largest)
}

/// The outputs for all pictures, run in batches of one size and put together.
fn runs(network: &mut dyn Run, workload: &Workload, batch: usize) -> Result<Vec<Output>, String> {
    let mut whole: Vec<Output> = Vec::new();
    for start in (0..TEXTURES.next_multiple_of(batch)).step_by(batch) {
        let outputs = network.run(workload.shape_of(batch), &pictures(workload, start, batch))?;
        if whole.is_empty() {
            whole = outputs;
            continue;
        }
        for (whole, output) in whole.iter_mut().zip(outputs) {
            whole.values.extend(output.values);
        }
    }
    Ok(whole)
}

/// Holds outputs against those of the processor. Gives the largest difference as a share of its output's spread.
///
/// # Errors
///
/// The first output that differs by more than `tolerance` of its spread, or has another number of values.
pub fn compare(expected: &[Output], got: &[Output], batch: usize, tolerance: f32) -> Result<f32, Difference> {
    let mut worst = 0.0_f32;
    for (index, wanted) in expected.iter().enumerate() {
        let (least, most) = wanted.values.iter().fold((f32::MAX, f32::MIN), |(a, b), &x| (a.min(x), b.max(x)));
        let spread = most - least;
        let differs = |largest| Difference { output: wanted.name.clone(), batch, largest, spread, tolerance };
        let Some(found) = got.get(index).filter(|found| found.values.len() == wanted.values.len()) else {
            return Err(differs(f32::INFINITY));
        };
        let pairs = wanted.values.iter().zip(&found.values);
        // A number that is none on one side alone is a difference without bound; `max` would pass over it.
        let largest =
            pairs.map(|(a, b)| (a - b).abs()).fold(0.0_f32, |a, b| if b >= 0.0 { a.max(b) } else { f32::INFINITY });
        let rounding = ROUNDING * least.abs().max(most.abs());
        // Where the processor itself gives infinity, everything would be allowed.
        if largest.is_infinite() || largest > (tolerance * spread).max(rounding) {
            return Err(differs(largest));
        }
        if spread > 0.0 {
            worst = worst.max(largest / spread);
        }
    }
    Ok(worst)
}

/// `count` made-up pictures from number `first` on: slopes, stripes, checks and noise, in different tones. They need not
/// look like faces, only reach into the whole network.
fn pictures(workload: &Workload, first: usize, count: usize) -> Picture {
    let size: usize = workload.usual[1..].iter().product();
    let last = workload.usual[3].max(1);
    let mut values = Vec::with_capacity(size * count);
    for number in first..first + count {
        // xorshift32 (Marsaglia 2003); its state must not be 0.
        let mut state = 0x9e37_79b9_u32 ^ (number as u32 + 1);
        values.extend((0..size).map(|place| {
            let (row, column) = (place / last, place % last);
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            let noise = (state >> 24) as usize;
            let pattern = match number % 4 {
                0 => place * 255 / size,
                1 => (row / 8 + column / 8) % 2 * 200,
                2 => row % 16 * 16,
                _ => noise,
            };
            (pattern + number * 10 + noise / 8).min(255) as u8
        }));
    }
    match workload.form {
        Form::Bytes => Picture::Bytes(values),
        Form::Floats => Picture::Floats(values.into_iter().map(f32::from).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workload(form: Form) -> Workload {
        let shape = [8, 4, 4, 3];
        Workload { input: "x".into(), form, least: shape, usual: shape, most: shape, batches: vec![1, 2, 4, 8] }
    }

    /// Gives the sum of each picture, and the same turned round; what it gives can be spoilt.
    struct Mock<'a> {
        batches: Vec<usize>,
        spoil: &'a dyn Fn(usize, f32) -> Result<f32, String>,
    }

    impl Run for Mock<'_> {
        fn run(&mut self, shape: [usize; 4], picture: &Picture) -> Result<Vec<Output>, String> {
            self.batches.push(shape[0]);
            let Picture::Bytes(bytes) = picture else {
                return Err("it wants bytes".to_owned());
            };
            let sums: Vec<f32> =
                bytes.chunks(bytes.len() / shape[0]).map(|item| item.iter().copied().map(f32::from).sum()).collect();
            let spoilt = sums.iter().map(|&sum| (self.spoil)(shape[0], sum)).collect::<Result<_, _>>()?;
            Ok(vec![
                Output { name: "less".into(), values: sums.iter().map(|sum| -sum).collect() },
                Output { name: "sum".into(), values: spoilt },
            ])
        }
    }

    fn try_out(spoil: &dyn Fn(usize, f32) -> Result<f32, String>, tolerance: f32) -> (Result<f32, String>, Vec<usize>) {
        let mut reference = Mock { batches: Vec::new(), spoil: &|_, sum| Ok(sum) };
        let mut candidate = Mock { batches: Vec::new(), spoil };
        let result = check(&mut reference, &mut candidate, &workload(Form::Bytes), tolerance);
        candidate.batches.dedup();
        (result, candidate.batches)
    }

    #[test]
    fn each_size_of_batch_is_warmed_up() {
        assert_eq!(try_out(&|_, sum| Ok(sum), 1e-3), (Ok(0.0), vec![1, 2, 4, 8]));
    }

    #[test]
    fn one_wrong_size_of_batch_is_found_with_its_figures() {
        let (result, _) = try_out(&|batch, sum| Ok(if batch == 4 { sum * 1.5 } else { sum }), 1e-3);
        let message = result.expect_err("it is wrong");
        for part in ["`sum`", "batch of 4", "0.001 of its spread"] {
            assert!(message.contains(part), "no `{part}` in: {message}");
        }
    }

    #[test]
    fn half_precision_passes_by_its_own_tolerance_alone() {
        // A hundredth of the smallest sum is below 2 % and above 0.1 % of the spread.
        let rough = |_, sum: f32| Ok(sum + 40.0);
        assert!(try_out(&rough, 1e-3).0.is_err());
        let share = try_out(&rough, 2e-2).0.expect("it is within tolerance");
        assert!(share > 1e-3 && share < 2e-2, "{share}");
    }

    #[test]
    fn what_fails_or_is_no_number_is_refused() {
        assert!(try_out(&|_, _| Ok(f32::NAN), 1e-3).0.is_err());
        let (result, batches) =
            try_out(&|batch, sum| if batch == 2 { Err("out of memory".into()) } else { Ok(sum) }, 1.0);
        assert_eq!((result, batches), (Err("a batch of 2 fails: out of memory".to_owned()), vec![1, 2]));
    }

    /// Whether outputs pass at a tolerance of 0.01.
    fn passes(expected: &[f32], got: &[f32]) -> bool {
        let output = |values: &[f32]| [Output { name: "y".into(), values: values.to_vec() }];
        compare(&output(expected), &output(got), 1, 0.01).is_ok()
    }

    #[test]
    fn the_tolerance_is_a_share_of_the_spread() {
        // Spread 4: 0.04 is allowed, wherever the values lie.
        assert!(passes(&[-1.0, 3.0], &[-1.03, 3.03]));
        assert!(!passes(&[-1.0, 3.0], &[-1.0, 3.05]));
        assert!(!passes(&[99.0, 103.0], &[99.0, 103.05]));
        // Without spread only rounding is: 1e-5 of the value.
        assert!(passes(&[50.0, 50.0], &[50.0, 50.0003]));
        assert!(!passes(&[50.0, 50.0], &[50.0, 50.001]));
        assert!(!passes(&[1.0, f32::NAN], &[1.0, f32::NAN]));
        assert!(!passes(&[1.0, f32::INFINITY], &[1.0, f32::INFINITY]));
        assert!(!passes(&[1.0, 2.0], &[1.0]));
        assert!(compare(&[Output { name: "y".into(), values: vec![1.0] }], &[], 1, 0.01).is_err());
    }

    #[test]
    fn pictures_differ_and_come_again_the_same() {
        let floats = |first, count| match pictures(&workload(Form::Floats), first, count) {
            Picture::Floats(values) => values.into_iter().map(|value| value as u32).collect(),
            Picture::Bytes(_) => Vec::new(),
        };
        let all = floats(0, TEXTURES);
        let mut each: Vec<&[u32]> = all.chunks(48).collect();
        assert_eq!(floats(2, 1), each[2]);
        let count = each.len();
        each.sort_unstable();
        each.dedup();
        assert_eq!((count, each.len()), (TEXTURES, TEXTURES));
    }
}
