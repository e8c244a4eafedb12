//! What a transformer does with tokens: a picture becomes a row of them, they look at each other, and become a picture again.

use tch::{Device, Kind, Tensor};

use crate::network::QUICK_GELU;

/// A random order of `count` patches for each of `samples` pictures, `[N, P]`.
pub(super) fn random_order(samples: i64, count: i64, device: Device) -> Tensor {
    Tensor::rand([samples, count], (Kind::Float, device)).argsort(1, false)
}

/// `[N, C, h, w]` to `[N, h * w + 1, C]`: the cells row by row, or in an order of their own, behind `class`; `position` is
/// added to all of them.
pub(super) fn tokens(x: &Tensor, class: &Tensor, position: &Tensor, order: Option<&Tensor>) -> Tensor {
    let cells = x.flatten(2, 3).transpose(1, 2);
    let cells = match order {
        Some(order) => picked(&cells, order),
        None => cells,
    };
    let size = cells.size();
    let class = class.view([1, 1, -1]).expand([size[0], 1, size[2]], false).to_kind(cells.kind());
    Tensor::cat(&[class, cells], 1) + position
}

/// `[N, T, C]` to `[N, C, h, w]`, without the class token. Cells that were put in an order of their own go back to their places.
pub(super) fn patches(x: &Tensor, (height, width): (usize, usize), order: Option<&Tensor>) -> Tensor {
    let cells = x.narrow(1, 1, x.size()[1] - 1);
    let cells = match order {
        Some(order) => picked(&cells, &order.argsort(1, false)),
        None => cells,
    };
    let size = cells.size();
    cells.transpose(1, 2).reshape([size[0], size[2], height as i64, width as i64])
}

/// The cells of `[N, P, C]` in an order `[N, P]`.
fn picked(cells: &Tensor, order: &Tensor) -> Tensor {
    cells.gather(1, &order.unsqueeze(-1).expand_as(cells), false)
}

/// Scaled dot-product attention of `[N, T, C]`, each part of the channels by itself.
pub(super) fn attention(queries: &Tensor, keys: &Tensor, values: &Tensor, heads: usize) -> Tensor {
    let size = values.size();
    let part = |x: &Tensor| x.view([size[0], size[1], heads as i64, -1]).transpose(1, 2);
    let (queries, keys, values) = (part(queries), part(keys), part(values));
    let found =
        Tensor::scaled_dot_product_attention(&queries, &keys, &values, None::<&Tensor>, 0.0, false, None::<f64>, false);
    found.transpose(1, 2).reshape(size.as_slice())
}

/// `x * sigmoid(1.702 * x)`.
pub(super) fn quick_gelu(x: &Tensor) -> Tensor {
    (x * QUICK_GELU).sigmoid() * x
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::torch::to_values;

    #[test]
    fn cells_become_tokens_and_go_back_to_their_places() {
        // Two pictures of two channels, 2 x 2 cells.
        let x = Tensor::arange(16, (Kind::Float, Device::Cpu)).view([2, 2, 2, 2]);
        let class = Tensor::from_slice(&[100.0_f32, 200.0]);
        let position = Tensor::zeros([5, 2], (Kind::Float, Device::Cpu));
        let plain = tokens(&x, &class, &position, None);
        assert_eq!(plain.size(), [2, 5, 2]);
        assert_eq!(to_values(&plain.select(0, 0)), [100.0, 200.0, 0.0, 4.0, 1.0, 5.0, 2.0, 6.0, 3.0, 7.0]);
        assert_eq!(to_values(&patches(&plain, (2, 2), None)), to_values(&x));
        let order = Tensor::from_slice(&[3_i64, 0, 2, 1, 1, 2, 3, 0]).view([2, 4]);
        let shuffled = tokens(&x, &class, &position, Some(&order));
        assert_eq!(to_values(&shuffled.select(0, 0)), [100.0, 200.0, 3.0, 7.0, 0.0, 4.0, 2.0, 6.0, 1.0, 5.0]);
        assert_eq!(to_values(&patches(&shuffled, (2, 2), Some(&order))), to_values(&x));
        assert_ne!(to_values(&patches(&shuffled, (2, 2), None)), to_values(&x));
    }

    #[test]
    fn attention_is_that_of_the_formula() {
        crate::torch::seed(1);
        let [q, k, v] = [(); 3].map(|()| Tensor::randn([2, 3, 4], (Kind::Float, Device::Cpu)));
        let found = attention(&q, &k, &v, 2);
        for head in 0..2 {
            let part = |x: &Tensor| x.narrow(2, head * 2, 2);
            let shares = (part(&q).bmm(&part(&k).transpose(1, 2)) / 2.0_f64.sqrt()).softmax(2, Kind::Float);
            let off = (shares.bmm(&part(&v)) - part(&found)).abs().max().double_value(&[]);
            assert!(off < 1e-6, "head {head}: {off}");
        }
        let gelu = to_values(&quick_gelu(&Tensor::from_slice(&[1.0_f32, -2.0])));
        assert!((gelu[0] - 0.845_795).abs() < 1e-5 && (gelu[1] + 0.064_341).abs() < 1e-5, "{gelu:?}");
    }
}
