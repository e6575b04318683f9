//! `fugue attach` of a session on another machine, over a real sshd that is cut.

use super::outer::{Outer, until_text};
use crate::support::daemon::Daemon;
use crate::support::run;
use crate::support::sshd::{Sshd, is_installed};

#[test]
fn a_view_over_ssh_goes_on_after_a_cut_and_nothing_is_typed_twice_or_late() {
    if !is_installed() {
        return;
    }
    run(async {
        let sshd = Sshd::start(None);
        let far = Daemon::start();
        let client = far.client().await;
        let line = "stty raw -echo; printf READY; exec cat -v";
        let made = client.session("w", line).await;
        until_text(&client, made.pane_id, "READY").await;
        let near = Daemon::start_with(&sshd.known(&far));
        let mut outer = Outer::open(&near).await;
        outer
            .types(&format!("PATH={}:$PATH\r", sshd.bin().display()))
            .await;
        outer.attach("polecats:w").await;
        outer
            .until("the far screen", |outer| outer.text().contains("READY"))
            .await;
        outer.types("before.").await;
        outer
            .until("an echo", |outer| outer.text().contains("READYbefore."))
            .await;

        sshd.cut();
        outer
            .until("a banner", |outer| outer.text().contains("keys go nowhere"))
            .await;
        outer.types("lost.").await;
        let back = |outer: &Outer| !outer.text().contains("keys go nowhere");
        outer.until("the view again", back).await;
        outer.types("after.").await;
        outer
            .until("an echo", |outer| outer.text().contains("before.after."))
            .await;
        let text = client.text(made.pane_id).await;
        assert_eq!(text.trim_end(), "READYbefore.after.");

        // While nothing answers, the view can be left.
        sshd.stop();
        outer
            .until("a banner", |outer| outer.text().contains("keys go nowhere"))
            .await;
        outer.types("\x02d").await;
        outer
            .until("a prompt", |outer| {
                outer.text().contains("detached from session w")
            })
            .await;
    });
}
