//! Numbers as visible signs that need no escape in a script's string. Small ones, which are nearly all, take one sign, so that a
//! compressor, which counts signs, sees how often each number comes; base 64 would cut across them.

/// 90 of the 95 visible ASCII signs: all but `"`, `\`, `<`, `>` and `&`. The script has the same list.
const SIGNS: &[u8; 90] =
    b" !#$%'()*+,-./0123456789:;=?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~";
/// Numbers below are one sign; the other 30 signs begin a longer number.
const ONE: u32 = 60;
const LEADS: u32 = 30;

/// Appends a number.
pub(super) fn put(text: &mut String, mut number: u32) {
    while number >= ONE {
        let over = number - ONE;
        sign(text, ONE + over % LEADS);
        number = over / LEADS;
    }
    sign(text, number);
}

fn sign(text: &mut String, place: u32) {
    text.push(char::from(SIGNS.get(place as usize).copied().unwrap_or(b'~')));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the script reads them.
    fn take(text: &str) -> u32 {
        let mut place = 0;
        let (mut number, mut factor) = (0u32, 1u32);
        loop {
            let sign =
                u32::try_from(SIGNS.iter().position(|s| *s == text.as_bytes()[place]).unwrap()).unwrap();
            place += 1;
            if sign < ONE {
                assert_eq!(place, text.len());
                return number + sign * factor;
            }
            number += sign * factor;
            factor *= LEADS;
        }
    }

    #[test]
    fn numbers_read_back_and_need_no_escape() {
        let mut numbers: Vec<u32> = (0..100_000).collect();
        numbers.extend([1 << 20, (1 << 26) - 1, 1 << 30, u32::MAX / 64]);
        for number in numbers {
            let mut text = String::new();
            put(&mut text, number);
            assert_eq!(take(&text), number, "{text}");
            assert_eq!(serde_json::to_string(&text).unwrap().len(), text.len() + 2);
        }
        let mut sorted = SIGNS.to_vec();
        sorted.dedup();
        assert_eq!(sorted.len(), 90);
    }
}
