//! How a server lays out its pixels, and from there to RGB.

use x11rb::protocol::xproto::{ImageOrder, Setup, VisualClass, Visualid};

use crate::capture::screen::colours::{self, BYTES};
use crate::capture::screen::error::ScreenError;

/// At which of a pixel's four bytes its colours are: red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout([usize; 3]);

impl Layout {
    /// That of a window with this visual.
    pub(super) fn of(setup: &Setup, depth: u8, visual: Visualid) -> Result<Self, ScreenError> {
        let bits = setup.pixmap_formats.iter().find(|format| format.depth == depth).map_or(0, |it| it.bits_per_pixel);
        let mut all = setup.roots.iter().flat_map(|screen| &screen.allowed_depths).flat_map(|depth| &depth.visuals);
        let found = all.find(|known| known.visual_id == visual);
        let masks = found
            .filter(|known| matches!(known.class, VisualClass::TRUE_COLOR | VisualClass::DIRECT_COLOR))
            .map(|known| [known.red_mask, known.green_mask, known.blue_mask]);
        let layout = masks.and_then(|masks| Self::by(masks, bits, setup.image_byte_order));
        layout.ok_or(ScreenError::Depth { depth, bits })
    }

    fn by(masks: [u32; 3], bits: u8, order: ImageOrder) -> Option<Self> {
        if bits != 32 {
            return None;
        }
        let mut at = [0; 3];
        for (at, mask) in at.iter_mut().zip(masks) {
            // From the lowest byte.
            let byte = (0..BYTES).find(|byte| mask == 0xff << (8 * byte))?;
            *at = if order == ImageOrder::MSB_FIRST { BYTES - 1 - byte } else { byte };
        }
        Some(Self(at))
    }

    /// Turns a row of pixels to RGB; as many as both have.
    pub(super) fn to_rgb(self, from: &[u8], into: &mut [u8]) {
        colours::to_rgb(self.0, from, into);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(masks: [u32; 3], order: ImageOrder, pixel: [u8; 4]) {
        let layout = Layout::by(masks, 32, order).expect("it is a layout");
        let mut rgb = [0; 3];
        layout.to_rgb(&pixel, &mut rgb);
        assert_eq!(rgb, [10, 20, 30], "{masks:x?} {order:?}");
    }

    #[test]
    fn colours_are_where_the_masks_say() {
        check([0xff_0000, 0xff00, 0xff], ImageOrder::LSB_FIRST, [30, 20, 10, 0]);
        check([0xff, 0xff00, 0xff_0000], ImageOrder::LSB_FIRST, [10, 20, 30, 0]);
        check([0xff_0000, 0xff00, 0xff], ImageOrder::MSB_FIRST, [0, 10, 20, 30]);
        check([0xff00_0000, 0xff_0000, 0xff00], ImageOrder::LSB_FIRST, [0, 30, 20, 10]);
    }

    #[test]
    fn other_depths_are_none() {
        // Five and six bits a colour, ten, and a palette.
        assert_eq!(Layout::by([0xf800, 0x7e0, 0x1f], 16, ImageOrder::LSB_FIRST), None);
        assert_eq!(Layout::by([0x3ff0_0000, 0xf_fc00, 0x3ff], 32, ImageOrder::LSB_FIRST), None);
        assert_eq!(Layout::by([0, 0, 0], 32, ImageOrder::LSB_FIRST), None);
    }
}
