//! S3, Google Cloud Storage and Azure, with the credentials that the environment names, as their own tools read it.

use std::collections::HashMap;
use std::fs::File;
use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind, Read as _, Seek as _, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use object_store::path::Path as Key;
use object_store::{
    GetOptions, ObjectStore, ObjectStoreScheme, PutMode, PutMultipartOptions, PutOptions, PutPayload,
    parse_url_opts,
};
use tokio::runtime::{Builder, Runtime};
use url::Url;

use crate::error::{Error, Result};

/// Bytes that are sent at once; more goes in several pieces.
const PIECE: u64 = 16 << 20;

/// Stores that were reached, each by its bucket or container.
#[derive(Debug)]
pub(in crate::shards) struct Remote {
    runtime: OnceLock<Runtime>,
    stores: Mutex<HashMap<String, Arc<dyn ObjectStore>>>,
}

/// Says whether a URI is one of a store.
pub(in crate::shards) fn check(uri: &str) -> Result<()> {
    key(uri).map(drop)
}

/// The bucket, by which a store is known, and the key in it.
fn key(uri: &str) -> Result<(Url, Key)> {
    let unknown = || {
        let expected = "a URI such as s3://bucket/path, gs://bucket/path or az://container/path";
        Error::invalid(uri, expected, "another one")
    };
    // All but the scheme is a name, whatever letters are in it.
    let text = uri.replace('%', "%25").replace('#', "%23").replace('?', "%3F");
    let url = Url::parse(&text).map_err(|_| unknown())?;
    match ObjectStoreScheme::parse(&url).map_err(|_| unknown())? {
        (
            ObjectStoreScheme::AmazonS3
            | ObjectStoreScheme::GoogleCloudStorage
            | ObjectStoreScheme::MicrosoftAzure,
            key,
        ) => Ok((url, key)),
        _ => Err(unknown()),
    }
}

impl Remote {
    pub(in crate::shards) fn new() -> Self {
        Self { runtime: OnceLock::new(), stores: Mutex::default() }
    }

    fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        let start = || {
            let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
            runtime.expect("the system starts two threads")
        };
        self.runtime.get_or_init(start).block_on(work)
    }

    fn store(&self, uri: &str) -> Result<(Arc<dyn ObjectStore>, Key)> {
        let (url, key) = key(uri)?;
        let bucket = format!("{}://{}", url.scheme(), url.authority());
        let mut stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = stores.get(&bucket) {
            return Ok((Arc::clone(known), key));
        }
        let (store, _) = parse_url_opts(&url, std::env::vars())
            .map_err(|why| Error::Usage(format!("{bucket}: cannot be reached: {why}")))?;
        let store = Arc::<dyn ObjectStore>::from(store);
        stores.insert(bucket, Arc::clone(&store));
        Ok((store, key))
    }

    /// The bytes of an object that has at most `most`.
    pub(in crate::shards) fn read(&self, uri: &str, most: u64) -> io::Result<Vec<u8>> {
        let (store, key) =
            self.store(uri).map_err(|why| io::Error::new(ErrorKind::InvalidInput, why.to_string()))?;
        self.wait(async {
            let found = store.get_opts(&key, GetOptions::default()).await.map_err(as_io)?;
            match found.meta.size {
                size if size > most => {
                    Err(io::Error::other(format!("it has {size} bytes, at most {most} are read")))
                }
                _ => found.bytes().await.map(Vec::from).map_err(as_io),
            }
        })
    }

    /// An object as a file without a name; `None` where there is none.
    pub(in crate::shards) fn download(&self, uri: &str) -> Result<Option<File>> {
        let (store, key) = self.store(uri)?;
        let fetched = self.wait(async {
            let found = store.get_opts(&key, GetOptions::default()).await.map_err(as_io)?;
            let (mut file, mut stream) = (tempfile::tempfile()?, found.into_stream());
            while let Some(piece) = poll_fn(|context| stream.as_mut().poll_next(context)).await {
                file.write_all(&piece.map_err(as_io)?)?;
            }
            file.rewind()?;
            Ok(file)
        });
        match fetched {
            Ok(file) => Ok(Some(file)),
            Err(why) if io::Error::kind(&why) == ErrorKind::NotFound => Ok(None),
            Err(why) => Err(Error::io("read", uri, why)),
        }
    }

    /// Stores a file whole; returns whether it was stored, which it is not where one is there and must stay.
    pub(in crate::shards) fn upload(&self, file: &Path, uri: &str, replace: bool) -> Result<bool> {
        let (store, key) = self.store(uri)?;
        let sent = self.wait(async {
            let mut file = File::open(file)?;
            if replace && file.metadata()?.len() > PIECE {
                return in_pieces(store.as_ref(), &key, file).await;
            }
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            let mode = if replace { PutMode::Overwrite } else { PutMode::Create };
            store.put_opts(&key, bytes.into(), PutOptions::from(mode)).await.map(drop).map_err(as_io)
        });
        match sent {
            Ok(()) => Ok(true),
            Err(why) if !replace && why.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(why) => Err(Error::io("write", uri, why)),
        }
    }

    /// Names of the objects right below a place.
    pub(in crate::shards) fn names(&self, uri: &str) -> Result<Vec<String>> {
        let (store, key) = self.store(uri)?;
        let found = self.wait(store.list_with_delimiter(Some(&key)));
        let found = found.map_err(|why| Error::io("list", uri, as_io(why)))?;
        let name = |object: object_store::ObjectMeta| object.location.filename().map(str::to_owned);
        Ok(found.objects.into_iter().filter_map(name).collect())
    }
}

async fn in_pieces(store: &dyn ObjectStore, key: &Key, file: File) -> io::Result<()> {
    let mut upload = store.put_multipart_opts(key, PutMultipartOptions::default()).await.map_err(as_io)?;
    loop {
        let mut piece = Vec::new();
        (&file).take(PIECE).read_to_end(&mut piece)?;
        if piece.is_empty() {
            return upload.complete().await.map(drop).map_err(as_io);
        }
        upload.put_part(PutPayload::from(piece)).await.map_err(as_io)?;
    }
}

/// What a store says. What is neither about an object nor about permissions is about reaching it, which may work later. A row
/// keeps the words of the first two: they hold no times and numbers of requests, which would be others the next time.
fn as_io(why: object_store::Error) -> io::Error {
    use object_store::Error as Found;
    let (kind, words): (ErrorKind, String) = match why {
        Found::NotFound { .. } => (ErrorKind::NotFound, "there is no such object or bucket".into()),
        Found::PermissionDenied { .. } | Found::Unauthenticated { .. } => {
            (ErrorKind::PermissionDenied, "the store gives no permission".into())
        }
        Found::AlreadyExists { .. } | Found::Precondition { .. } => {
            (ErrorKind::AlreadyExists, why.to_string())
        }
        Found::InvalidPath { .. } | Found::NotSupported { .. } | Found::NotImplemented { .. } => {
            (ErrorKind::InvalidInput, why.to_string())
        }
        _ => (ErrorKind::NotConnected, why.to_string()),
    };
    io::Error::new(kind, words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_letters() {
        let (url, key) = key("s3://bucket/a b/50%#1?.png").expect("a URI");
        assert_eq!((url.authority(), key.as_ref()), ("bucket", "a b/50%#1?.png"));
        for other in ["http://x/y", "file:///x", "memory:///x"] {
            assert!(check(other).is_err(), "{other}");
        }
        check("gs://bucket/x").and_then(|()| check("az://container/x")).expect("stores");
    }
}
