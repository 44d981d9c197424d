//! Calls of streams that survive a lost connection.

use super::by_name::{IntoArguments, encode_call};
use crate::call::{Call, Resubscribe};
use crate::error::SendError;
use crate::proto::Resume;
use crate::stream::Streaming;

impl<T: 'static, I, E> Call<Streaming<T, I>, E> {
    /// Lets the stream survive a lost connection, if its client [connects
    /// again](crate::client::ClientBuilder::reconnect). The call is then sent again with the same arguments.
    ///
    /// A method that returns the stream of a [`History`](crate::stream::History) continues behind the last item that was
    /// taken, and each interruption is shown as a [`Seam`](crate::stream::Seam). Any other method starts anew; with
    /// [`resubscribe`](Self::resubscribe) its arguments can tell where.
    ///
    /// The wait for the next connection does not count against the [timeout](Self::timeout) of the call, which each
    /// request has again. A call on an [`AnonymousChannel`](crate::AnonymousChannel) is not sent again, because its
    /// channel is lost with the connection.
    pub fn resumable(self) -> Resubscribe<T, I, E> {
        let again = self.encoded().map(|call| call.clone());
        let encode = move |_: Option<&T>| again.clone().ok_or_else(SendError::polled_again);
        Resubscribe::new(self.into_raw(Resume::New), Box::new(encode), |_| None)
    }

    /// Lets the stream survive a lost connection like [`resumable`](Self::resumable), with arguments that depend on the
    /// last item that was taken. It is `None` if there was none.
    ///
    /// ```
    /// # use wswrapper::{Client, client::Reconnect, error::{ConnectError, Rejection}, stream::StreamEvent, Streaming};
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// # let client = Client::builder().reconnect(Reconnect::default()).connect("ws://localhost:8080").await?;
    /// // A server that knows no histories sends the numbers from its argument on.
    /// let numbers = client.request::<Streaming<u64, Rejection>>("count_from", (0,));
    /// let mut numbers = numbers.resubscribe(|last: Option<&u64>| (last.map_or(0, |last| last + 1),)).await?;
    /// while let Some(event) = numbers.try_next().await? {
    ///     match event {
    ///         StreamEvent::Item(number) => println!("{number}"),
    ///         StreamEvent::Seam(seam) => println!("{seam:?}"),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn resubscribe<A, F>(self, mut arguments: F) -> Resubscribe<T, I, E>
    where
        T: Clone,
        A: IntoArguments,
        F: FnMut(Option<&T>) -> A + Send + 'static,
    {
        let address = self.encoded().map(|call| call.event_and_channel());
        let encode = move |last: Option<&T>| match &address {
            Some((event, channel)) => encode_call(channel.as_deref(), event, arguments(last)),
            None => Err(SendError::polled_again()),
        };
        Resubscribe::new(self.into_raw(Resume::New), Box::new(encode), |item| Some(item.clone()))
    }
}
