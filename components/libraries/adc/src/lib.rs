//! Analogue inputs by number. embedded-hal 1.0 has no ADC trait, and `OneShot` of 0.2 names an
//! input by a pin type of the chip, which a driver for every chip cannot know. [`Input`] is that
//! type here, so that a product's `channel: 2` chooses the input.
#![cfg_attr(not(test), no_std)]

use embassy_futures::yield_now;
use embassy_time::{Duration, with_timeout};
use embedded_hal_02::adc::{Channel, OneShot};

/// The longest a conversion may take; ADCs of microcontrollers need microseconds.
const TIMEOUT: Duration = Duration::from_millis(20);

/// The analogue input of this number.
pub struct Input<const N: u8>;

impl<A, const N: u8> Channel<A> for Input<N> {
    type ID = u8;

    fn channel() -> u8 {
        N
    }
}

/// An ADC with the four inputs 0 to 3.
pub trait Adc:
    Sized
    + OneShot<Self, u16, Input<0>>
    + OneShot<Self, u16, Input<1>>
    + OneShot<Self, u16, Input<2>>
    + OneShot<Self, u16, Input<3>>
{
}

impl<A> Adc for A where
    A: OneShot<A, u16, Input<0>>
        + OneShot<A, u16, Input<1>>
        + OneShot<A, u16, Input<2>>
        + OneShot<A, u16, Input<3>>
{
}

/// Why there is no sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampleError {
    /// The ADC has no input of this number.
    NoSuchInput,
    /// The conversion did not end in time.
    TimedOut,
    /// The ADC reported an error.
    Failed,
}

/// Converts the voltage at an input once, in counts of the ADC.
///
/// # Errors
/// See [`SampleError`].
pub async fn sample(adc: &mut impl Adc, input: u32) -> Result<u16, SampleError> {
    let conversion = async {
        match input {
            0 => convert::<_, 0>(adc).await,
            1 => convert::<_, 1>(adc).await,
            2 => convert::<_, 2>(adc).await,
            3 => convert::<_, 3>(adc).await,
            _ => Err(SampleError::NoSuchInput),
        }
    };
    with_timeout(TIMEOUT, conversion).await.unwrap_or(Err(SampleError::TimedOut))
}

async fn convert<A, const N: u8>(adc: &mut A) -> Result<u16, SampleError>
where
    A: OneShot<A, u16, Input<N>>,
{
    loop {
        match adc.read(&mut Input) {
            Ok(counts) => return Ok(counts),
            Err(nb::Error::WouldBlock) => yield_now().await,
            Err(nb::Error::Other(_)) => return Err(SampleError::Failed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tarsia_test_clock::run_for;

    /// Needs `delay` polls for a conversion, whose result tells the input.
    struct Slow {
        delay: u32,
    }

    impl<const N: u8> OneShot<Slow, u16, Input<N>> for Slow {
        type Error = ();

        fn read(&mut self, _: &mut Input<N>) -> nb::Result<u16, ()> {
            if N == 3 {
                return Err(nb::Error::Other(()));
            }
            self.delay -= 1;
            if self.delay == 0 { Ok(100 + u16::from(N)) } else { Err(nb::Error::WouldBlock) }
        }
    }

    fn sampled(delay: u32, input: u32) -> Result<u16, SampleError> {
        run_for(sample(&mut Slow { delay }, input), TIMEOUT * 2).expect("within the time-out")
    }

    #[test]
    fn the_number_chooses_the_input() {
        assert_eq!(sampled(3, 0), Ok(100));
        assert_eq!(sampled(3, 2), Ok(102));
        assert_eq!(sampled(3, 3), Err(SampleError::Failed));
        assert_eq!(sampled(3, 4), Err(SampleError::NoSuchInput));
    }

    #[test]
    fn a_conversion_that_never_ends_is_given_up() {
        assert_eq!(sampled(1_000_000, 0), Err(SampleError::TimedOut));
    }
}
