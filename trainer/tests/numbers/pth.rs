//! PyTorch checkpoints of both formats: what they hold comes out, and nothing damaged or hostile does harm.
//!
//! The files were written by `fixtures/small_checkpoints.py`.

use cyborg_trainer::checkpoint::PthError;
use cyborg_trainer::checkpoint::pth::{self, WRAPPING};
use cyborg_trainer::checkpoint::{Array, State};

const OLD: &[u8] = include_bytes!("../fixtures/small_old.pth");
const ZIP: &[u8] = include_bytes!("../fixtures/small_zip.pth");

fn expected() -> State {
    let arrays: [(&str, &[usize], &[f32]); 10] = [
        ("plain", &[2, 3], &[1.5, -2.0, 3.25, 0.0, 1e-3, -4e5]),
        ("turned", &[3, 2], &[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]),
        ("first", &[4], &[0.0, 1.0, 2.0, 3.0]),
        ("last", &[2, 2, 2], &[4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0]),
        ("half", &[2], &[0.5, -65504.0]),
        ("bfloat", &[2], &[1.0, -3.0]),
        ("double", &[1], &[0.1]),
        ("parameter", &[1], &[7.0]),
        ("number", &[], &[42.0]),
        ("empty", &[0, 3], &[]),
    ];
    let array = |shape: &[usize], values: &[f32]| Array { shape: shape.to_vec(), values: values.to_vec() };
    arrays.into_iter().map(|(name, shape, values)| (name.to_owned(), array(shape, values))).collect()
}

#[test]
fn both_formats_give_every_float_array() {
    assert_eq!(pth::read(OLD).expect("PyTorch wrote it"), expected());
    assert_eq!(pth::read(ZIP).expect("PyTorch wrote it"), expected());
}

#[test]
fn a_file_that_ends_early_is_an_error_wherever_it_ends() {
    for file in [OLD, ZIP] {
        for length in 0..file.len() {
            assert!(pth::read(&file[..length]).is_err(), "{length} of {} bytes were taken", file.len());
        }
    }
}

#[test]
fn a_flipped_bit_never_panics() {
    for file in [OLD, ZIP] {
        let mut damaged = file.to_vec();
        for bit in 0..file.len() * 8 {
            damaged[bit / 8] ^= 1 << (bit % 8);
            // Some flips are harmless, or only change a number. What is taken can't be larger than twice the file.
            if let Ok(state) = pth::read(&damaged) {
                let values: usize = state.values().map(|array| array.values.len()).sum();
                assert!(values * 4 <= file.len() * 2, "bit {bit} gave {values} values");
            }
            damaged[bit / 8] = file[bit / 8];
        }
    }
}

/// An old file whose state is the pickle `state`, with one storage `0` of the given length.
fn old_file(state: &[u8], storage_elements: u64, storage: &[u8]) -> Vec<u8> {
    // The magic number, the protocol 1001, an empty system dictionary; then the state and the list of storages.
    let mut file = vec![0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, b'.'];
    file.extend(b"\x80\x02M\xe9\x03.");
    file.extend(b"\x80\x02}.");
    file.extend(state);
    file.extend(b"\x80\x02]X\x01\x00\x00\x000a.");
    file.extend(storage_elements.to_le_bytes());
    file.extend(storage);
    file
}

/// The state `{"w": tensor}`: a storage that claims `elements`, and the pickle of a shape and of strides.
fn state(elements: &[u8], shape: &[u8], strides: &[u8]) -> Vec<u8> {
    let name = b"\x80\x02}X\x01\x00\x00\x00w";
    let tensor = b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\n";
    let mut pickle =
        [name.as_slice(), tensor, b"X\x01\x00\x00\x000X\x03\x00\x00\x00cpu", elements, b"tQK\x00"].concat();
    pickle.extend([shape, strides, b"\x89}tRs."].concat());
    pickle
}

/// A number of eight bytes.
fn long(value: i64) -> Vec<u8> {
    [b"\x8a\x08".as_slice(), &value.to_le_bytes()].concat()
}

fn one(number: &[u8]) -> Vec<u8> {
    [number, b"\x85"].concat()
}

#[test]
fn sizes_that_lie_are_refused_before_anything_is_allocated() {
    let two = [1.0_f32.to_le_bytes(), 2.0_f32.to_le_bytes()].concat();
    let honest = old_file(&state(b"K\x02", &one(b"K\x02"), &one(b"K\x01")), 2, &two);
    let read = pth::read(&honest).expect("the hand-made file is right");
    assert_eq!(read["w"], Array { shape: vec![2], values: vec![1.0, 2.0] });

    let check = |what: &str, file: Vec<u8>| {
        let error = pth::read(&file).expect_err(what);
        assert!(matches!(error, PthError::Array { .. } | PthError::Storage { .. } | PthError::Malformed(_)), "{error}");
    };
    let huge = long(i64::MAX);
    check("a huge shape", old_file(&state(&huge, &one(&huge), &one(b"K\x01")), 2, &two));
    check("a huge shape that stands still", old_file(&state(&huge, &one(&huge), &one(b"K\x00")), 2, &two));
    check("a huge stride", old_file(&state(b"K\x02", &one(b"K\x02"), &one(&huge)), 2, &two));
    check("a shape whose product overflows", {
        let sides = [huge.as_slice(), &huge, &huge, b"\x87"].concat();
        old_file(&state(b"K\x02", &sides, b"K\x01K\x01K\x01\x87"), 2, &two)
    });
    check("a negative side", old_file(&state(b"K\x02", &one(&long(-1)), &one(b"K\x01")), 2, &two));
    check(
        "a storage that claims more than the file",
        old_file(&state(b"K\x02", &one(b"K\x02"), &one(b"K\x01")), u64::MAX, &two),
    );
    check("strides for other dimensions", old_file(&state(b"K\x02", &one(b"K\x02"), b")"), 2, &two));
}

#[test]
fn the_state_is_found_under_the_names_that_programs_give_it() {
    let inner = state(b"K\x02", &one(b"K\x02"), &one(b"K\x01"));
    // Without the protocol before it and the end after it, the inner pickle is a value of an outer dictionary.
    let inner = &inner[2..inner.len() - 1];
    let two = [1.0_f32.to_le_bytes(), 2.0_f32.to_le_bytes()].concat();
    for name in WRAPPING {
        let key = [b"X".as_slice(), &(name.len() as u32).to_le_bytes(), name.as_bytes()].concat();
        let file = old_file(&[b"\x80\x02}", key.as_slice(), inner, b"s."].concat(), 2, &two);
        let read = pth::read(&file).expect(name);
        assert_eq!(read["w"], Array { shape: vec![2], values: vec![1.0, 2.0] }, "{name}");
    }
    let file = old_file(&[b"\x80\x02}X\x05\x00\x00\x00other", inner, b"s."].concat(), 2, &two);
    assert!(matches!(pth::read(&file), Err(PthError::NoState)));
}

#[test]
fn a_text_that_claims_more_than_the_file_is_refused() {
    let file = old_file(b"\x80\x02X\xff\xff\xff\xffw.", 0, &[]);
    assert!(matches!(pth::read(&file), Err(PthError::Truncated)));
}

#[test]
fn arrays_that_all_claim_the_same_storage_are_bounded() {
    // A thousand names for one array of the whole storage would be a thousand times the file.
    let storage = vec![0; 40_000];
    let mut pickle = state(b"M\x10\x27", &one(b"M\x10\x27"), &one(b"K\x01"));
    // Before the item is set, the tensor is remembered; it is then set again and again under other names.
    pickle.truncate(pickle.len() - 2);
    pickle.extend(b"q\x01s");
    for index in 0..1000_u32 {
        pickle.extend(b"X\x04\x00\x00\x00");
        pickle.extend(format!("{index:04}").as_bytes());
        pickle.extend(b"h\x01s");
    }
    pickle.push(b'.');
    assert!(matches!(pth::read(&old_file(&pickle, 10_000, &storage)), Err(PthError::Array { .. })));
}

#[test]
fn a_pickle_that_wants_to_run_something_is_refused_by_name() {
    let file = old_file(b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00ls\x85R.", 0, &[]);
    let error = pth::read(&file).expect_err("it wants to run a program");
    assert!(matches!(&error, PthError::Name { name } if name == "os.system"), "{error}");
    // Names without a call, by other operations, are no way round: protocol 4's STACK_GLOBAL is not known.
    let file = old_file(b"\x80\x04\x8c\x02os\x8c\x06system\x93.", 0, &[]);
    assert!(matches!(pth::read(&file), Err(PthError::Operation { code: 0x93, .. })));
}

#[test]
fn other_files_are_told_apart() {
    assert!(pth::is_pth(OLD) && pth::is_pth(ZIP));
    assert!(!pth::is_pth(b"") && !pth::is_pth(b"\x80\x02}.") && !pth::is_pth(&[0; 64]));
    // A pickle that is no dictionary of arrays.
    assert!(matches!(pth::read(&old_file(b"\x80\x02}.", 0, &[])), Err(PthError::NoState | PthError::Storage { .. })));
}
