//! The bytes in the staging area: brought there, unpacked, looked at, converted, measured.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Weak};

use futures_util::TryStreamExt as _;
use imaging::qemu_img::Conversion;
use imaging::{Bounds, Compression, DecompressError, decompress};
use kit::Fault;
use kit::disk_image::Format;

use super::download::download;
use super::{Context, State};
use crate::backends::{disk_fault, read};
use crate::domain::content::Content;
use crate::domain::image::Image;
use crate::domain::import::Method;
use crate::intake::{self, Received, Wish};

/// Has the bytes in the staging area; those of an image that is copied stay where they are.
pub(super) async fn fetch(context: &Context, state: &mut State) -> Result<(), Fault> {
    let image = context.image(state).await?;
    match &state.method {
        Method::GlanceDirect => {
            let name = state.image_id.to_string();
            let there = tokio::fs::try_exists(context.service.staging.path(&name)).await;
            if !there.map_err(disk_fault)? {
                return Err(Fault::not_found("The staged data of the image are gone. Stage them again."));
            }
            state.file = Some(name);
        }
        Method::WebDownload { uri } => state.file = Some(download(context, state, uri).await?),
        Method::CopyImage => state.content = Some(known(&image)?),
    }
    Ok(())
}

/// What is on record of an active image's bytes.
fn known(image: &Image) -> Result<Content, Fault> {
    match (image.size, &image.checksum, &image.sha512) {
        (Some(size), Some(md5), Some(sha512)) => {
            Ok(Content { size, virtual_size: image.virtual_size, md5: md5.clone(), sha512: sha512.clone() })
        }
        _ => Err(Fault::conflict("Only images with status active can be targeted for copying")),
    }
}

/// Unpacks bytes that are compressed, where that is wished.
pub(super) async fn unpack(context: &Context, state: &mut State) -> Result<(), Fault> {
    let Some(file) = state.file.clone().filter(|_| context.service.config.decompress) else { return Ok(()) };
    let image = context.image(state).await?;
    if image.container_format.as_deref() == Some("compressed") {
        return Ok(());
    }
    let config = &context.service.config;
    let (from, name) = (context.service.staging.path(&file), format!("{}.plain", state.image_id));
    let to = context.service.staging.path(&name);
    let max_bytes = context.service.limit().bytes;
    let bounds = Bounds { max_bytes, max_ratio: config.max_decompression_ratio };
    context.say(state, "Decompressing").await?;
    // Dropped when the import is given up: the thread then comes to its end, too.
    let wanted = Arc::new(());
    let watched = Arc::downgrade(&wanted);
    let unpacked = tokio::task::spawn_blocking(move || unpack_file(&from, &to, bounds, &watched)).await;
    let unpacked = unpacked.map_err(|error| Fault::internal("decompressing an image", error))??;
    if unpacked {
        state.file = Some(name);
    }
    Ok(())
}

/// Unpacks `from` into `to`; whether it was packed. Blocking; comes to an early end when it is not `wanted` any more.
fn unpack_file(from: &Path, to: &Path, bounds: Bounds, wanted: &Weak<()>) -> Result<bool, Fault> {
    let mut source = File::open(from).map_err(disk_fault)?;
    let mut head = Vec::new();
    (&mut source).take(Compression::MAGIC_BYTES as u64).read_to_end(&mut head).map_err(disk_fault)?;
    let Some(compression) = Compression::of(&head) else { return Ok(false) };
    source.seek(SeekFrom::Start(0)).map_err(disk_fault)?;
    let file = File::create(to).map_err(disk_fault)?;
    let mut at = 0;
    let done = decompress(source, compression, bounds, |piece| {
        if wanted.strong_count() == 0 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        intake::put(&file, at, piece)?;
        at += piece.len() as u64;
        Ok(())
    });
    done.map_err(|error| match error {
        DecompressError::Write(error) | DecompressError::Read(error) => disk_fault(error),
        DecompressError::TooLarge { .. } | DecompressError::Bomb { .. } => {
            Fault::too_large(format!("The image is refused: {error}."))
        }
        DecompressError::Damaged { .. } => Fault::bad_request(format!("The image is refused: {error}.")),
    })?;
    file.set_len(at).map_err(disk_fault)?;
    Ok(true)
}

/// Whether the bytes are what was declared. Where they stay as they are, they are measured by the way.
pub(super) async fn inspect(context: &Context, state: &mut State) -> Result<(), Fault> {
    let Some(file) = state.file.clone() else { return Ok(()) };
    // What it was made of is not needed any more.
    context.service.staging.clear(&state.image_id, Some(&file)).await.map_err(disk_fault)?;
    context.say(state, "Inspecting").await?;
    let conversion = conversion(context, state);
    let received = look(context, &file, conversion.is_none()).await?;
    let declared = state.declared.as_deref().unwrap_or_default();
    context.service.judge(declared, &received.inspection)?;
    match conversion {
        None => state.content = Some(received.into()),
        // It is about to be opened, whatever the setting says.
        Some(_) => context.service.check(declared, &received.inspection)?,
    }
    Ok(())
}

/// From and to which format the bytes are to be converted.
fn conversion(context: &Context, state: &State) -> Option<(Format, Format)> {
    if state.method == Method::CopyImage {
        return None;
    }
    let known = [Format::Raw, Format::Qcow2, Format::Vmdk, Format::Vhd, Format::Vhdx, Format::Vdi];
    let called = |name: &str| known.into_iter().find(|format| format.as_str() == name);
    let (from, to) = (called(state.declared.as_deref()?)?, called(&context.service.config.convert_to)?);
    (from != to).then_some((from, to))
}

/// Converts the bytes, where that is wished.
pub(super) async fn convert(context: &Context, state: &mut State) -> Result<(), Fault> {
    let (Some(file), Some((from_format, to_format))) = (state.file.clone(), conversion(context, state)) else {
        return Ok(());
    };
    context.say(state, format!("Converting to {to_format}")).await?;
    let name = format!("{}.{to_format}", state.image_id);
    let (from, to) = (context.service.staging.path(&file), context.service.staging.path(&name));
    let max_bytes = context.service.limit().bytes;
    let conversion = Conversion { from: &from, from_format, to: &to, to_format, max_bytes };
    conversion.run(|_| ()).await?;
    state.file = Some(name);
    state.format = Some(to_format.to_string());
    Ok(())
}

/// Hashes and counts the bytes, where that was not done yet.
pub(super) async fn measure(context: &Context, state: &mut State) -> Result<(), Fault> {
    let (Some(file), None) = (state.file.clone(), &state.content) else { return Ok(()) };
    context.service.staging.clear(&state.image_id, Some(&file)).await.map_err(disk_fault)?;
    context.say(state, "Hashing").await?;
    let received = look(context, &file, true).await?;
    context.service.judge(state.format.as_deref().unwrap_or_default(), &received.inspection)?;
    state.content = Some(received.into());
    Ok(())
}

/// Reads a staged file to its end.
async fn look(context: &Context, file: &str, hash: bool) -> Result<Received, Fault> {
    let service = &context.service;
    let limit = service.limit();
    let (file, length) = read::open(service.staging.path(file)).await.map_err(disk_fault)?;
    let source = read::stream(file, 0..length).map_err(|error| Fault::internal("reading a staged image", error));
    intake::receive(source, Wish { to: None, hash, limit }, &service.stores.writers, |_| {}).await
}
