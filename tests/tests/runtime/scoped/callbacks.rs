//! Services that call the caller over their own channel.

use super::{Bell, BellProxy, BellService, OfficeProxy, RegisterProxy, office_server};
use std::error::Error;
use wswrapper::{AnonymousChannel, Context, Scoped, Server, error::Rejection, ws_handlers};
use wswrapper_tests::{Log, nothing_is_left, pair};

#[tokio::test]
async fn a_scoped_service_calls_back_over_its_channel() -> Result<(), Box<dyn Error>> {
    let (_, server) = office_server();
    let pair = pair(server);
    let log = Log::default();
    let office = OfficeProxy::new(&pair.client);
    let register = office.register(1).serve::<dyn Bell>(BellService(log.clone())).await?;
    let silent = office.register(1).await?;
    assert_eq!(register.rings(21).await?, 42);
    assert_eq!(log.entries(), ["rung 21"]);
    let error = silent.rings(1).await.expect_err("the caller serves nothing");
    assert!(error.to_string().starts_with("No event listener for 'ring' on channel '"), "{error}");
    // The caller may also serve after it received the channel.
    let channel = office.register(1).into_channel().await?;
    channel.serve::<dyn Bell>(BellService(log.clone()));
    assert_eq!(RegisterProxy::new(&channel).rings(4).await?, 8);
    assert_eq!(log.entries().len(), 2);
    Ok(())
}

/// Returns a service that holds its own channel.
struct ChannelHolderService(Log);

struct ChannelHolder {
    channel: AnonymousChannel,
    log: Log,
}

#[ws_handlers]
impl ChannelHolderService {
    pub async fn keep(&self, ctx: Context) -> Scoped<ChannelHolder> {
        let channel = ctx.open_channel();
        let early = BellProxy::new(&channel).ring(1).await;
        self.0.add(early.map_err(|error| error.to_string()).unwrap_err());
        let holder = ChannelHolder { channel: channel.clone(), log: self.0.clone() };
        Scoped::on(&channel, holder)
    }
}

#[ws_handlers]
impl ChannelHolder {
    pub async fn twice(&self) -> Result<i64, Rejection> {
        let bell = BellProxy::new(&self.channel);
        let first = bell.ring(1).await.map_err(Rejection::from_display)?;
        Ok(first + bell.ring(2).await.map_err(Rejection::from_display)?)
    }
}

impl Drop for ChannelHolder {
    fn drop(&mut self) {
        self.log.add("dropped");
    }
}

#[tokio::test]
async fn a_scoped_service_can_keep_its_channel() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let pair = pair(Server::builder().service(ChannelHolderService(log.clone())));
    let holder =
        ChannelHolderServiceProxy::new(&pair.client).keep().serve::<dyn Bell>(BellService(log.clone())).await?;
    assert_eq!(holder.twice().await?, 6);
    drop(holder);
    let early = "the channel is not open yet: return it from the handler first";
    assert_eq!(log.has(4).await, [early, "rung 1", "rung 2", "dropped"]);
    nothing_is_left(&pair).await;
    Ok(())
}
