//! Links: to other pages, to files and categories, to other languages, to addresses.

use super::Cleaner;
use super::frames::{Kind, Part};

/// Namespaces whose links show no words, in lower case: `File` and its older name `Image`, `Media`
/// and `Category` in the languages of the largest Wikipedias. Files of other languages are told by
/// their endings. Source: the `namespaceNames` of MediaWiki's languages.
const HIDDEN: &[&str] = &[
    "file",
    "image",
    "media",
    "category",
    "datei",
    "bild",
    "kategorie",
    "fichier",
    "catégorie",
    "archivo",
    "imagen",
    "categoría",
    "categoria",
    "ficheiro",
    "arquivo",
    "imagem",
    "immagine",
    "bestand",
    "afbeelding",
    "categorie",
    "plik",
    "grafika",
    "kategoria",
    "файл",
    "изображение",
    "категория",
    "зображення",
    "категорія",
    "fil",
    "kategori",
    "tiedosto",
    "kuva",
    "luokka",
    "soubor",
    "kategorie",
    "dosya",
    "resim",
    "fájl",
    "kép",
    "kategória",
    "fișier",
    "tập tin",
    "hình",
    "thể loại",
    "berkas",
    "gambar",
    "картинка",
    "ملف",
    "صورة",
    "تصنيف",
    "پرونده",
    "رده",
    "קובץ",
    "תמונה",
    "קטגוריה",
    "ファイル",
    "画像",
    "カテゴリ",
    "文件",
    "檔案",
    "档案",
    "图像",
    "圖像",
    "分类",
    "分類",
    "파일",
    "그림",
    "분류",
    "चित्र",
    "श्रेणी",
];

/// Endings of files, in lower case.
const ENDINGS: &[&str] =
    &[".jpg", ".jpeg", ".png", ".svg", ".gif", ".tif", ".tiff", ".webp", ".ogg", ".ogv", ".webm"];

/// Schemes of addresses in single brackets. Source: the default of MediaWiki's `$wgUrlProtocols`.
const SCHEMES: &[&str] =
    &["//", "http://", "https://", "ftp://", "ftps://", "mailto:", "news:", "irc://", "gopher://"];

/// Longest namespace that is looked up, in bytes.
const LONGEST: usize = 40;

/// Longest target, in bytes: MediaWiki's titles have 255, and a section's name follows. Our choice.
const LONGEST_TARGET: usize = 1024;

impl Cleaner<'_> {
    /// The `|` behind a link's target, or any other.
    pub(super) fn pipe(&mut self) {
        if let Some(link) = self.open.link()
            && link.part == Part::Target
        {
            let target = &self.out[link.start..];
            link.part = if !is_target(target) {
                Part::Text
            } else if is_hidden(target) {
                Part::Hidden
            } else {
                self.out.truncate(link.start);
                self.at += 1;
                link.part = Part::Words;
                return;
            };
        }
        self.literal(1);
    }

    /// `]]`: a link's words stay.
    pub(super) fn link_end(&mut self) {
        self.at += 2;
        let Some(link) = self.open.leave(Kind::Link) else { return };
        let (before, target) = self.out.split_at(link.start);
        let hidden = match link.part {
            Part::Hidden => true,
            Part::Words | Part::Text => false,
            Part::Target if !is_target(target) => false,
            Part::Target => {
                // Links to other languages stand alone on their lines; older dumps have them.
                let alone = (before.is_empty() || before.ends_with('\n'))
                    && matches!(self.byte(0), 0 | b'\n' | b'[');
                is_hidden(target) || alone && is_language(target)
            }
        };
        if hidden {
            self.out.truncate(link.start);
        }
    }

    /// `[`, and the address behind it; its words follow, and the `]` is text.
    pub(super) fn address(&mut self) {
        let rest = &self.source.as_bytes()[self.at + 1..];
        let scheme = SCHEMES.iter().any(|scheme| {
            rest.get(..scheme.len()).is_some_and(|s| s.eq_ignore_ascii_case(scheme.as_bytes()))
        });
        if !scheme {
            return self.literal(1);
        }
        let ends = |byte: u8| byte <= b' ' || b"[]<>\"{|".contains(&byte);
        self.at += 1 + rest.iter().position(|&byte| ends(byte)).unwrap_or(rest.len());
    }
}

/// Whether a link can lead to it.
fn is_target(target: &str) -> bool {
    target.len() <= LONGEST_TARGET && !target.contains('\n')
}

/// Whether a link to `target` shows no words.
fn is_hidden(target: &str) -> bool {
    // A namespace is followed by a colon, and one before it makes a link with words.
    let head = &target.as_bytes()[..target.len().min(LONGEST)];
    let Some(colon) = head.iter().position(|&byte| byte == b':') else { return false };
    let space = target[..colon].trim().to_lowercase();
    if space.is_empty() {
        return false;
    }
    HIDDEN.contains(&&*space) || {
        let name = target.trim_end().as_bytes();
        ENDINGS.iter().any(|ending| {
            name.len() > ending.len()
                && name[name.len() - ending.len()..].eq_ignore_ascii_case(ending.as_bytes())
        })
    }
}

/// Whether a target is a page of another language: `fr:Gravier`, `zh-min-nan:A`.
fn is_language(target: &str) -> bool {
    let Some((code, _)) = target.split_once(':') else { return false };
    let plain = code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    plain && (2..=12).contains(&code.len())
}
