//! Layouts for Hugo and Zola with the frame of our `templates/base.html`: head with canonical address, description and structured data,
//! breadcrumbs, navigation, footer; a page, a list of a server's tools, lists by class in parts of 100.

const NAVIGATION: &str = r##"<a class="skip" href="#main">Skip to the content</a>
<header class="masthead">
<div class="sheet">
<a class="brand" href="ROOT/index.html"><span class="stops" aria-hidden="true"><i class="stop r"></i><i class="stop w"></i><i class="stop x"></i><i class="stop d"></i></span> catalogue</a>
<nav aria-label="Main">
<ul>
<li><a href="ROOT/browse.html">Browse</a></li>
<li><a href="ROOT/attacks/index.html">Attacks</a></li>
<li><a href="ROOT/guides/index.html">Guides</a></li>
<li><a href="ROOT/report.html">Report</a></li>
<li><a href="ROOT/method.html">Method</a></li>
</ul>
</nav>
<form class="find" role="search" action="ROOT/search.html"><input type="search" name="q" aria-label="Search tools, servers and attack patterns" placeholder="Search"></form>
</div>
</header>
"##;

const FOOTER: &str = r#"<footer class="foot">
<div class="sheet">
<p>Every verdict follows from published rules and from what the server itself listed. No tool was called. <a href="ROOT/method.html">How it is done</a></p>
<p><a href="ROOT/changes.html">Changes</a>, <a href="ROOT/glossary/index.html">glossary</a>, <a href="ROOT/owasp.html">OWASP</a>, <a href="ROOT/about.html">about</a>, <a href="ROOT/llms.txt">for models</a></p>
<p>Names and descriptions of tools are their authors’ and are quoted. Made by catalogue 0.1.0, rules <code>000000000000</code>.</p>
</div>
</footer>
</body>
</html>
"#;

const HEAD: &str = r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'">
<meta name="color-scheme" content="light dark">
"#;

/// Hugo's, with lists by class as a taxonomy. Only pages are made: no feeds, no highlighting.
pub(crate) fn hugo() -> Vec<(&'static str, String)> {
    let frame = |text: &str| text.replace("ROOT", "");
    let base = [
        HEAD,
        r#"<title>{{ .Title }}</title>
<meta name="description" content="{{ .Description }}">
<link rel="canonical" href="{{ .Permalink }}">
<link rel="icon" href="/static/icon.svg">
<link rel="stylesheet" href="/static/site.css">
<script src="/static/site.js"></script>
{{ range .Params.data }}<script type="application/ld+json">{{ . | safeJS }}</script>
{{ end }}<script type="application/ld+json">{"@context":"https://schema.org","@type":"BreadcrumbList","itemListElement":[{"@type":"ListItem","item":{{ site.BaseURL }},"name":"catalogue","position":1}{{ with .Parent }},{"@type":"ListItem","item":{{ .Permalink }},"name":{{ .Title }},"position":2}{{ end }},{"@type":"ListItem","item":{{ .Permalink }},"name":{{ .Title }},"position":3}]}</script>
</head>
<body>
"#,
        &frame(NAVIGATION),
        r#"<nav class="crumbs sheet" aria-label="Breadcrumb"><ol><li><a href="/servers/">Servers</a></li>{{ with .Parent }}<li><a href="{{ .RelPermalink }}">{{ .Params.name }}</a></li>{{ end }}<li aria-current="page">{{ .Params.name }}</li></ol></nav>
<main id="main" class="sheet">
{{ block "main" . }}{{ end }}
</main>
"#,
        &frame(FOOTER),
    ];
    let single = r#"{{ define "main" }}<h1>{{ with .Params.name }}<code>{{ . }}</code>{{ else }}{{ .Title }}{{ end }}</h1>
{{ .Content }}{{ end }}"#;
    let line = r#"<li><a href="{{ .RelPermalink }}"><code>{{ .Params.name }}</code></a> <span class="effect">{{ .Params.verdict }}</span> <span class="risk">{{ .Params.risk }}</span><p>{{ .Description }}</p></li>
"#;
    let list = [
        "{{ define \"main\" }}<h1>{{ .Title }}</h1>\n{{ .Content }}\n<ul class=\"tools\">\n{{ range .RegularPages }}",
        line,
        "{{ end }}</ul>\n{{ end }}",
    ];
    let term = [
        "{{ define \"main\" }}<h1>{{ .Title }}</h1>\n{{ $parts := .Paginate .Pages 100 }}<ul class=\"tools\">\n{{ range $parts.Pages }}",
        line,
        r#"{{ end }}</ul>
<nav class="pager" aria-label="Parts"><ul>{{ with $parts.Prev }}<li><a href="{{ .URL }}">Before</a></li>{{ end }}{{ with $parts.Next }}<li><a href="{{ .URL }}">After</a></li>{{ end }}</ul></nav>{{ end }}"#,
    ];
    let settings = r#"baseURL = "https://cat.example/"
title = "catalogue"
uglyURLs = true
enableGitInfo = false
disableKinds = ["404"]
[taxonomies]
class = "classes"
[outputs]
home = ["HTML"]
section = ["HTML"]
taxonomy = ["HTML"]
term = ["HTML"]
page = ["HTML"]
[markup.highlight]
codeFences = false
[markup.goldmark.renderer]
unsafe = true
[markup.goldmark.extensions]
typographer = false
linkify = false
"#;
    vec![
        ("hugo.toml", settings.to_owned()),
        // Until version 0.110 it was called so.
        ("config.toml", settings.to_owned()),
        ("layouts/_default/baseof.html", base.concat()),
        ("layouts/_default/single.html", single.to_owned()),
        ("layouts/_default/list.html", list.concat()),
        ("layouts/_default/term.html", term.concat()),
    ]
}

/// Zola's; with lists by class as a paginated taxonomy, or without.
pub(crate) fn zola(taxonomy: bool) -> Vec<(&'static str, String)> {
    let frame = |text: &str| text.replace("ROOT", "");
    let base = [
        HEAD,
        r#"<title>{% block title %}catalogue{% endblock title %}</title>
<meta name="description" content="{% block description %}{% endblock description %}">
{% block canonical %}{% endblock canonical %}<link rel="icon" href="/static/icon.svg">
<link rel="stylesheet" href="/static/site.css">
<script src="/static/site.js"></script>
{% block data %}{% endblock data %}</head>
<body>
"#,
        &frame(NAVIGATION),
        r#"{% block crumbs %}{% endblock crumbs %}<main id="main" class="sheet">
{% block main %}{% endblock main %}
</main>
"#,
        &frame(FOOTER),
    ];
    let of = |it: &str, above: &str| {
        [
            "{% extends \"base.html\" %}\n{% block title %}IT.title }}{% endblock title %}\n{% block description %}IT.description }}{% endblock description %}\n",
            "{% block canonical %}<link rel=\"canonical\" href=\"IT.permalink | safe }}\">\n{% endblock canonical %}\n",
            "{% block data %}{% for data in DATA %}<script type=\"application/ld+json\">{{ data | safe }}</script>\n{% endfor %}<script type=\"application/ld+json\">{\"@context\":\"https://schema.org\",\"@type\":\"BreadcrumbList\",\"itemListElement\":[{\"@type\":\"ListItem\",\"item\":\"{{ config.base_url | safe }}\",\"name\":\"catalogue\",\"position\":1},ABOVE{\"@type\":\"ListItem\",\"item\":\"IT.permalink | safe }}\",\"name\":NAME,\"position\":3}]}</script>\n{% endblock data %}\n",
            "{% block crumbs %}<nav class=\"crumbs sheet\" aria-label=\"Breadcrumb\"><ol><li><a href=\"/servers/\">Servers</a></li>CRUMB<li aria-current=\"page\">IT.extra.name }}</li></ol></nav>\n{% endblock crumbs %}\n",
        ]
        .concat()
        .replace("NAME", &format!("{it}.title | json_encode | safe }}}}"))
        .replace("DATA", &format!("{}.extra.data", it.trim_start_matches("{{ ")))
        .replace("ABOVE", if above.is_empty() { "" } else { "{\"@type\":\"ListItem\",\"item\":\"{{ page.extra.above_path | safe }}\",\"name\":{{ page.extra.above | json_encode | safe }},\"position\":2}," })
        .replace("CRUMB", above)
        .replace("IT", it)
    };
    let page = of(
        "{{ page",
        "<li><a href=\"{{ page.extra.above_path | safe }}\">{{ page.extra.above }}</a></li>",
    ) + "{% block main %}<h1><code>{{ page.extra.name }}</code></h1>\n{{ page.content | safe }}{% endblock main %}";
    let line = r#"<li><a href="{{ page.permalink | safe }}"><code>{{ page.extra.name }}</code></a> <span class="effect">{{ page.extra.verdict }}</span> <span class="risk">{{ page.extra.risk }}</span><p>{{ page.description }}</p></li>
"#;
    let section = of("{{ section", "")
        + "{% block main %}<h1>{{ section.title }}</h1>\n{{ section.content | safe }}\n<ul class=\"tools\">\n{% for page in section.pages %}"
        + line
        + "{% endfor %}</ul>{% endblock main %}";
    let term = r#"{% extends "base.html" %}
{% block title %}{{ term.name }}, part {{ paginator.current_index }}{% endblock title %}
{% block main %}<h1>{{ term.name }}</h1>
<ul class="tools">
{% for page in paginator.pages %}"#
        .to_owned()
        + line
        + r#"{% endfor %}</ul>
<nav class="pager" aria-label="Parts"><ul>{% if paginator.previous %}<li><a href="{{ paginator.previous | safe }}">Before</a></li>{% endif %}{% if paginator.next %}<li><a href="{{ paginator.next | safe }}">After</a></li>{% endif %}</ul></nav>{% endblock main %}"#;
    let terms = r#"{% extends "base.html" %}
{% block main %}<ul>{% for term in terms %}<li><a href="{{ term.permalink | safe }}">{{ term.name }}</a></li>{% endfor %}</ul>{% endblock main %}"#;
    let lists = if taxonomy { "taxonomies = [{ name = \"class\", paginate_by = 100 }]\n" } else { "" };
    let settings = format!(
        "base_url = \"https://cat.example\"\ntitle = \"catalogue\"\ncompile_sass = false\nbuild_search_index = false\ngenerate_feeds = false\n{lists}"
    );
    vec![
        ("config.toml", settings),
        ("templates/base.html", base.concat()),
        ("templates/page.html", page),
        ("templates/section.html", section.clone()),
        ("templates/index.html", section),
        ("templates/taxonomy_single.html", term),
        ("templates/taxonomy_list.html", terms.to_owned()),
    ]
}
