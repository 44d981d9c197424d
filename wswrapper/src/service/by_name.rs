//! Calls and events by name, without a contract.

use crate::error::SendError;
use crate::proto::{CallEncoder, ChannelKey, ChannelName, EncodedCall, check_event};
use crate::value::Encode;

/// The arguments of a call by name: a tuple of up to eight, `()` for none, or a slice of equal ones.
pub trait IntoArguments {
    #[doc(hidden)]
    fn encode(self, call: &mut CallEncoder) -> Result<(), SendError>;
}

fn argument<A: Encode + ?Sized>(call: &mut CallEncoder, position: usize, value: &A) -> Result<(), SendError> {
    call.argument(value).map_err(|source| SendError::Encode { position, source })
}

macro_rules! into_arguments {
    ($($type:ident $at:tt),*) => {
        impl<$($type: Encode),*> IntoArguments for ($($type,)*) {
            #[allow(unused_variables, reason = "without arguments there is nothing to encode")]
            fn encode(self, call: &mut CallEncoder) -> Result<(), SendError> {
                $(argument(call, $at + 1, &self.$at)?;)*
                Ok(())
            }
        }
    };
}
into_arguments!();
into_arguments!(A 0);
into_arguments!(A 0, B 1);
into_arguments!(A 0, B 1, C 2);
into_arguments!(A 0, B 1, C 2, D 3);
into_arguments!(A 0, B 1, C 2, D 3, E 4);
into_arguments!(A 0, B 1, C 2, D 3, E 4, F 5);
into_arguments!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
into_arguments!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);

impl<A: Encode> IntoArguments for &[A] {
    fn encode(self, call: &mut CallEncoder) -> Result<(), SendError> {
        self.iter().enumerate().try_for_each(|(at, value)| argument(call, at + 1, value))
    }
}

/// A call by name, encoded.
pub(crate) fn encode(
    channel: Option<&str>,
    event: &str,
    arguments: impl IntoArguments,
) -> Result<EncodedCall, SendError> {
    channel.map(ChannelName::check).transpose()?;
    check_event(event, channel)?;
    let mut call = CallEncoder::new(event);
    arguments.encode(&mut call)?;
    Ok(call.finish(channel))
}

/// The same on an anonymous channel, where no name is reserved [P-21].
pub(crate) fn encode_on(
    channel: ChannelKey,
    event: &str,
    arguments: impl IntoArguments,
) -> Result<EncodedCall, SendError> {
    check_event(event, Some(""))?;
    let mut call = CallEncoder::new(event);
    arguments.encode(&mut call)?;
    Ok(call.finish_on(channel))
}
