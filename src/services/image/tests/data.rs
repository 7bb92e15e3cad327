//! Bytes up and down: parts of them, clients that go away, images that go meanwhile.

use futures_util::StreamExt as _;
use http_body_util::StreamBody;
use http_kit::Bytes;
use hyper::body::Frame;
use serde_json::Value;
use tokio::sync::mpsc;

use super::{World, world};

type Chunk = Result<Frame<Bytes>, std::io::Error>;

/// A body that is sent piece by piece.
fn body() -> (mpsc::Sender<Chunk>, StreamBody<impl futures_util::Stream<Item = Chunk> + Send + 'static>) {
    let (sender, receiver) = mpsc::channel::<Chunk>(1);
    let stream = futures_util::stream::unfold(receiver, |mut receiver| async move {
        let chunk = receiver.recv().await?;
        Some((chunk, receiver))
    });
    (sender, StreamBody::new(stream.boxed()))
}

fn chunk(bytes: &'static [u8]) -> Chunk {
    Ok(Frame::data(Bytes::from_static(bytes)))
}

async fn delete(world: &World, id: &str) -> u16 {
    world.call("member", "DELETE", &format!("/v2/images/{id}"), &[], Value::Null).await.status
}

#[tokio::test]
async fn parts_can_be_asked_for() {
    let world = world().await;
    let id = world.image().await;
    world.upload(&id, b"0123456789").await;
    for (header, value, status, text, described) in [
        ("range", "bytes=2-4", 206, "234", "bytes 2-4/10"),
        ("range", "bytes=7-", 206, "789", "bytes 7-9/10"),
        ("range", "bytes=-2", 206, "89", "bytes 8-9/10"),
        ("content-range", "bytes 0-3/10", 206, "0123", "bytes 0-3/10"),
        ("accept", "*/*", 200, "0123456789", ""),
    ] {
        let answer = world.download(&id, &[(header, value)]).await;
        assert_eq!((answer.status, answer.text().as_str()), (status, text), "{value}");
        assert_eq!(answer.header("content-range"), described);
        assert_eq!(answer.header("content-length"), text.len().to_string());
        assert_eq!(answer.header("content-md5"), "781e5e245d69b566979b86e28d23f2c7");
    }
    assert_eq!(world.download(&id, &[("range", "bytes=10-")]).await.status, 416);
    assert_eq!(world.download(&id, &[("range", "bytes=0-1,4-5")]).await.status, 400);
}

#[tokio::test]
async fn equal_bytes_are_there_once_until_the_last_image_goes() {
    let world = world().await;
    let (one, two) = (world.image().await, world.image().await);
    assert_eq!((world.upload(&one, b"same").await, world.upload(&two, b"same").await), (204, 204));
    assert_eq!(world.files().len(), 1);
    assert_eq!(delete(&world, &one).await, 204);
    assert_eq!(world.download(&two, &[]).await.text(), "same");
    assert_eq!(delete(&world, &two).await, 204);
    assert!(world.files().is_empty());
}

#[tokio::test]
async fn one_upload_at_a_time_and_what_breaks_off_can_be_sent_again() {
    let world = world().await;
    let id = world.image().await;
    let (sender, stream) = body();
    let first = world.put_body(&id, "file", &[], stream);
    let others = async {
        sender.send(chunk(b"half")).await.unwrap();
        while world.show(&id).await["status"] != "saving" {
            tokio::task::yield_now().await;
        }
        assert_eq!(world.upload(&id, b"second").await, 409);
        assert_eq!(world.stage(&id, b"third").await, 409);
        assert_eq!(world.download(&id, &[]).await.status, 204, "nothing of it can be had");
        let gone = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        sender.send(Err(gone)).await.unwrap();
    };
    assert_eq!(tokio::join!(first, others).0, 400);
    assert_eq!(world.show(&id).await["status"], "queued");
    assert!(world.files().is_empty());
    assert_eq!(world.put(&id, "file", &[("x-openstack-image-size", "5")], b"whole".to_vec()).await, 204);
}

#[tokio::test]
async fn an_image_that_is_deleted_while_its_bytes_come_leaves_none() {
    let world = world().await;
    for (what, status) in [("file", 410), ("stage", 404)] {
        let id = world.image().await;
        let (sender, stream) = body();
        let upload = world.put_body(&id, what, &[], stream);
        let others = async {
            sender.send(chunk(b"all of it")).await.unwrap();
            while world.show(&id).await["status"] == "queued" {
                tokio::task::yield_now().await;
            }
            assert_eq!(delete(&world, &id).await, 204);
            drop(sender);
        };
        assert_eq!(tokio::join!(upload, others).0, status);
        assert!(world.files().is_empty(), "{:?}", world.files());
    }
}

#[tokio::test]
async fn more_or_fewer_bytes_than_announced_are_refused() {
    let world = world().await;
    let id = world.image().await;
    let announce =
        async |size: &str| world.put(&id, "file", &[("x-openstack-image-size", size)], b"12345".to_vec()).await;
    assert_eq!((announce("6").await, announce("4").await, announce("many").await), (400, 400, 400));
    assert!(world.files().is_empty());
    assert_eq!(announce("5").await, 204);
}

#[tokio::test]
async fn files_that_an_earlier_version_named_by_image_are_named_by_content() {
    let world = world().await;
    let id = world.image().await;
    world.upload(&id, b"old").await;
    let images = world.store.directory().join("images");
    let named = std::fs::read_dir(&images).unwrap().map(|entry| entry.unwrap().path()).find(|path| path.is_file());
    std::fs::rename(named.clone().unwrap(), images.join(&id)).unwrap();
    let sql = "DELETE FROM image_locations";
    let forget = move |db: &store::Connection| store::query::execute(db, sql, []).map_err(kit::Fault::from);
    world.store.write(forget).await.unwrap();
    for _ in 0..2 {
        world.service.bootstrap().await.unwrap();
        assert_eq!(world.download(&id, &[]).await.text(), "old");
    }
    assert!(named.unwrap().is_file() && world.files().len() == 1);
}
