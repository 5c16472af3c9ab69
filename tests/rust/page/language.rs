//! Languages of short texts written here.

use webtext::page::language::{codes, detect};

#[test]
fn the_language_of_plain_prose() {
    for (code, text) in [
        ("en", "The cat sat on the mat and looked at the rain that fell outside the window."),
        ("de", "Die Katze saß auf der Matte und sah dem Regen zu, der vor dem Fenster fiel."),
        ("fr", "Le chat était assis sur le tapis et regardait la pluie qui tombait dehors."),
        ("ru", "Кошка сидела на коврике и смотрела на дождь, который шёл за окном."),
        ("no", "Katten satt på matten og så på regnet som falt utenfor vinduet hver kveld."),
        ("ja", "猫はマットの上に座って、窓の外に降る雨を眺めていました。静かな夜でした。"),
        ("zh", "猫坐在垫子上，看着窗外下着的雨。夜里很安静，街上一个人也没有，只有雨声。"),
        ("ko", "고양이는 매트 위에 앉아 창밖에 내리는 비를 바라보고 있었다. 조용한 밤이었다."),
        ("el", "Η γάτα κάθισε στο χαλί και κοίταζε τη βροχή που έπεφτε έξω από το παράθυρο."),
        ("und", "42 17 2009"),
        ("und", ""),
    ] {
        assert_eq!(detect(text), code, "{text}");
    }
}

#[test]
fn mixed_texts_belong_to_what_says_most() {
    // More Latin letters than Japanese ones, most of them code.
    let tutorial = "モデルを保存するには次のようにします。\n\nmodel.save_weights(checkpoint_path)\n\
                    new_model = build_model(input_shape=(224, 224, 3), learning_rate=0.01)\n";
    assert_eq!(detect(tutorial), "ja");
    // A Chinese text that names two Japanese words.
    let chinese = "这篇文章介绍日本的点心，其中最有名的叫做もち，在新年的时候家家户户都会准备，味道十分香甜，\
                   价格也不贵，很多游客都喜欢买来送给亲戚朋友，商店里一年四季都可以买到各种各样的口味。";
    assert_eq!(detect(chinese), "zh");
}

#[test]
fn what_english_is_full_of_tells_it() {
    let notice = "Nous utilisons des cookies essentiels au bon fonctionnement de ce site. Vous \
                  pouvez \u{e0} tout moment g\u{e9}rer vos pr\u{e9}f\u{e9}rences. ";
    let post = "They have been told that the payment from which this came would not work. ";
    assert_eq!(detect(&(notice.repeat(5) + &post.repeat(4))), "en");
    // A quotation does not.
    assert_eq!(detect(&(notice.repeat(5) + post)), "fr");
}

#[test]
fn only_the_beginning_counts() {
    let english = "The cat sat on the mat and looked at the rain outside. ".repeat(40);
    let german = "Die Katze saß auf der Matte und sah dem Regen zu. ".repeat(400);
    assert_eq!(detect(&(english + &german)), "en");
}

#[test]
fn codes_are_iso_639_1() {
    let codes = codes();
    assert_eq!(codes.len(), 70);
    assert!(codes.iter().all(|code| code.len() == 2));
    assert!(codes.is_sorted());
    assert!(codes.contains(&"en") && !codes.contains(&"und"));
}
