//! HTTP whose address is taken at first.

use std::sync::atomic::{AtomicBool, Ordering};

use protocol::ErrorCode;
use protocol::config::Config;

use super::*;

static FREE: AtomicBool = AtomicBool::new(false);

fn open(
    address: SocketAddr,
    _: &HttpConfig,
    paths: &Paths,
) -> Result<(HttpListener, Surface), Error> {
    if !FREE.load(Ordering::SeqCst) {
        return Err(Error::new(ErrorCode::Busy, "somebody has it"));
    }
    let told = HttpListener {
        url: format!("http://{address}"),
        token_file: paths.http_token().display().to_string(),
    };
    let surface = Surface {
        address: told.url.clone(),
        serve: Arc::new(|_| Box::pin(async { "served".to_owned() })),
    };
    Ok((told, surface))
}

#[tokio::test]
async fn a_taken_address_is_told_and_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let paths = Paths {
        runtime: dir.path().join("r"),
        state: dir.path().join("s"),
        config: dir.path().join("c"),
    };
    let runtime_dir = Arc::new(RuntimeDir::open(&paths, crate::runtime_dir::LOCK_LIMIT).unwrap());
    let server = Server::new(Config::default().daemon, paths.clone(), Path::new("fugued"));
    std::fs::write(paths.http_url(), "http://127.0.0.1:1\n").unwrap();
    let surface = Http {
        server: Arc::clone(&server),
        runtime_dir,
        address: "127.0.0.1:7433".parse().unwrap(),
        config: HttpConfig::default(),
        open,
        opened: OnceLock::new(),
    }
    .begin();
    let problem = server.http_problem.borrow().clone();
    assert!(problem.is_some_and(|why| why.contains("somebody has it")));
    assert!(!paths.http_url().exists(), "the URL of an earlier daemon");
    let news = tokio::sync::watch::Sender::new(Vec::new());
    let teller = news.clone();
    let tell: Tell = Box::new(move |told| {
        FREE.store(true, Ordering::SeqCst);
        teller.send_modify(|all| all.push(told));
    });
    let served = tokio::time::timeout(Duration::from_secs(20), (surface.serve)(tell));
    assert_eq!(served.await.unwrap(), "served");
    let told = news.borrow().clone();
    assert!(
        matches!(&told[..], [News::Waiting(_), News::At(_)]),
        "{told:?}"
    );
    assert_eq!(*server.http_problem.borrow(), None);
    assert!(server.http.get().is_some() && paths.http_url().exists());
}
