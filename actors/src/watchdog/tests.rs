//! The watchdog over a real tree whose actors can be made to hang, on a paused clock.

use std::os::unix::net::UnixDatagram;

use supervisor::{
    Actor, ActorError, Address, AddressSlot, ChildSpec, ExitReason, Strategy, SupervisorSpec,
};

use super::*;
use crate::notify;

/// Does what it is told for so long.
struct Hanging;

#[derive(strum::IntoStaticStr)]
enum HangingMsg {
    Hang(Duration),
}

impl Actor for Hanging {
    type Msg = HangingMsg;
    type State = ();
    type Args = ();

    async fn pre_start(&self, _: Address<HangingMsg>, (): ()) -> Result<(), ActorError> {
        Ok(())
    }

    async fn handle(
        &self,
        _: &Address<HangingMsg>,
        msg: HangingMsg,
        (): &mut (),
    ) -> Result<(), ActorError> {
        let HangingMsg::Hang(time) = msg;
        tokio::time::sleep(time).await;
        Ok(())
    }
}

/// Signs of life that have arrived.
fn fed(socket: &UnixDatagram) -> usize {
    let mut buffer = [0; 512];
    let mut count = 0;
    while let Ok(length) = socket.recv(&mut buffer) {
        count += usize::from(&buffer[..length] == b"WATCHDOG=1\n");
    }
    count
}

#[tokio::test(start_paused = true)]
async fn signs_of_life_end_while_a_vital_actor_hangs_and_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_nonblocking(true).unwrap();
    let tree = Tree::new();
    let (vital_one, other) = (AddressSlot::new(), AddressSlot::new());
    let spec = SupervisorSpec::new(Strategy::OneForOne)
        .child(ChildSpec::actor_in("vital", &vital_one, || Hanging, || ()))
        .child(ChildSpec::actor_in("other", &other, || Hanging, || ()));
    let root = supervisor::start("root", spec, &tree).await.unwrap();
    let watchdog = notify::Watchdog {
        usec: Some(4_000_000),
        pid: None,
    };
    let notify = Notify::new(Some(path.as_os_str()), watchdog);
    let watches = vec![
        vital("root"),
        vital("root/vital"),
        Watch {
            path: "root/other",
            vital: false,
        },
    ];
    let watched = tree.clone();
    let watching = tokio::spawn(async move {
        run(&watched, watches, &notify, || "well".to_owned()).await;
    });
    let pass = |seconds| tokio::time::sleep(Duration::from_secs(seconds));

    // Odd, so that no look falls on its end.
    pass(21).await;
    assert_eq!(fed(&socket), 11, "at once, and then every two seconds");
    // One that hangs and is not vital changes nothing.
    let hang = |seconds| HangingMsg::Hang(Duration::from_secs(seconds));
    other.get().unwrap().cast(hang(30)).unwrap();
    pass(20).await;
    assert_eq!(fed(&socket), 10);
    // A queue that moves is progress, however long it is.
    for _ in 0..8 {
        vital_one.get().unwrap().cast(hang(5)).unwrap();
    }
    pass(40).await;
    assert_eq!(fed(&socket), 20);
    vital_one.get().unwrap().cast(hang(25)).unwrap();
    pass(12).await;
    assert_eq!(fed(&socket), 5, "ten seconds are allowed");
    pass(12).await;
    assert_eq!(fed(&socket), 0, "it has made no progress for 10 s");
    pass(20).await;
    assert!(fed(&socket) >= 8, "it goes on");
    // What does not run any more makes no progress either.
    root.terminate_child("vital").await.unwrap();
    pass(12).await;
    fed(&socket);
    pass(10).await;
    assert_eq!(fed(&socket), 0);
    watching.abort();
    root.shutdown(ExitReason::Shutdown, Duration::from_secs(5))
        .await
        .unwrap();
}

#[test]
fn a_sign_of_life_is_due_at_half_of_the_time() {
    let seconds = Duration::from_secs;
    assert_eq!(rhythm(None), (LOOK, 1));
    assert_eq!(rhythm(Some(seconds(30))), (seconds(15) / 8, 8));
    assert_eq!(rhythm(Some(seconds(4))), (seconds(2), 1));
    let (pause, looks) = rhythm(Some(Duration::from_millis(300)));
    assert_eq!((pause, looks), (Duration::from_millis(150), 1));
    assert_eq!(rhythm(Some(Duration::from_micros(1))).1, 1);
}
