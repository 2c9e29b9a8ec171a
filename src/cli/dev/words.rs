//! The words of made-up catalogues: fields of work with their things, verbs with what they do, halves of sentences.
//!
//! All of it is made up here. How often what occurs, and how long it gets, is measured (research/corpus.md, sections 3 to 5).

/// A field of work: what servers of it are called, and what their tools handle.
pub(super) struct Field {
    /// What servers are called after.
    pub(super) name: &'static str,
    /// Things, in the singular.
    pub(super) things: &'static [&'static str],
}

const fn field(name: &'static str, things: &'static [&'static str]) -> Field {
    Field { name, things }
}

/// Common ones first.
pub(super) const FIELDS: &[Field] = &[
    field(
        "database",
        &["table", "query", "row", "index", "schema", "column", "view", "migration", "backup", "connection"],
    ),
    field(
        "files",
        &[
            "file",
            "directory",
            "archive",
            "document",
            "attachment",
            "folder",
            "path",
            "permission",
            "checksum",
        ],
    ),
    field(
        "code",
        &[
            "repository",
            "branch",
            "pull request",
            "commit",
            "issue",
            "release",
            "workflow run",
            "review",
            "tag",
        ],
    ),
    field(
        "browser",
        &["page", "tab", "cookie", "screenshot", "element", "form", "network request", "session", "bookmark"],
    ),
    field("search", &["result", "source", "citation", "snippet", "ranking", "synonym", "index", "query log"]),
    field(
        "calendar",
        &["event", "calendar", "invitation", "reminder", "availability", "meeting room", "time zone"],
    ),
    field("mail", &["message", "thread", "label", "draft", "mailbox", "filter", "signature", "attachment"]),
    field("chat", &["channel", "message", "reaction", "member", "thread", "emoji", "pinned item", "webhook"]),
    field(
        "cloud",
        &["instance", "volume", "bucket", "security group", "load balancer", "snapshot", "region", "quota"],
    ),
    field(
        "containers",
        &["container", "image", "pod", "namespace", "deployment", "secret", "config map", "node", "log"],
    ),
    field(
        "payments",
        &["invoice", "payment", "refund", "customer", "subscription", "payout", "coupon", "dispute"],
    ),
    field(
        "shop",
        &["product", "order", "cart", "discount", "shipment", "variant", "inventory level", "collection"],
    ),
    field("weather", &["forecast", "station", "alert", "observation", "radar image", "air quality"]),
    field("maps", &["route", "place", "address", "distance matrix", "elevation", "geofence", "map tile"]),
    field("tasks", &["task", "project", "board", "sprint", "comment", "milestone", "time entry", "assignee"]),
    field("notes", &["note", "notebook", "tag", "backlink", "template", "block", "page"]),
    field("crm", &["contact", "deal", "company", "lead", "pipeline", "activity", "campaign", "segment"]),
    field("support", &["ticket", "agent", "macro", "satisfaction rating", "queue", "article", "escalation"]),
    field(
        "monitoring",
        &["alert", "dashboard", "metric", "incident", "log line", "trace", "monitor", "on-call shift"],
    ),
    field(
        "finance",
        &["account", "transaction", "quote", "portfolio", "balance", "exchange rate", "filing", "budget"],
    ),
    field(
        "media",
        &["video", "playlist", "track", "caption", "thumbnail", "transcript", "album", "podcast episode"],
    ),
    field("images", &["image", "layer", "palette", "mask", "thumbnail", "watermark", "canvas"]),
    field("social", &["post", "follower", "hashtag", "story", "mention", "profile", "poll"]),
    field("travel", &["flight", "hotel", "booking", "airport", "itinerary", "fare", "seat map"]),
    field(
        "health",
        &["appointment", "patient record", "prescription", "lab result", "vital sign", "vaccination"],
    ),
    field("science", &["paper", "author", "dataset", "sequence", "compound", "experiment", "citation graph"]),
    field("law", &["case", "statute", "docket", "contract clause", "court", "filing deadline"]),
    field("home", &["device", "scene", "sensor", "thermostat", "light", "automation", "camera feed"]),
    field("iam", &["user", "role", "group", "policy", "api key", "session", "access token", "audit entry"]),
    field("design", &["component", "frame", "variable", "style", "comment", "prototype", "asset"]),
    field("memory", &["memory", "entity", "relation", "observation", "embedding", "knowledge graph"]),
    field(
        "spreadsheet",
        &["sheet", "cell range", "pivot table", "chart", "workbook", "formula", "named range"],
    ),
    field("wiki", &["article", "revision", "category", "talk page", "redirect", "infobox"]),
    field("games", &["player", "match", "leaderboard", "item", "achievement", "lobby"]),
    field(
        "blockchain",
        &["wallet", "block", "token balance", "contract", "transaction receipt", "gas price"],
    ),
    field("translation", &["glossary", "phrase", "language", "translation memory", "locale"]),
];

/// A verb: in names, in sentences, and whether it goes with the plural.
pub(super) struct Verb {
    /// `list`.
    pub(super) name: &'static str,
    /// `Lists`.
    pub(super) says: &'static str,
    /// `list_invoices` and not `list_invoice`.
    pub(super) plural: bool,
    /// What its author would hint: read-only, destructive.
    pub(super) hints: (bool, bool),
}

const fn verb(name: &'static str, says: &'static str, plural: bool, hints: (bool, bool)) -> Verb {
    Verb { name, says, plural, hints }
}

const READ: (bool, bool) = (true, false);
const WRITE: (bool, bool) = (false, false);
const DESTROY: (bool, bool) = (false, true);

/// Common ones first.
pub(super) const VERBS: &[Verb] = &[
    verb("get", "Returns", false, READ),
    verb("list", "Lists", true, READ),
    verb("search", "Searches", true, READ),
    verb("create", "Creates", false, WRITE),
    verb("update", "Updates", false, WRITE),
    verb("delete", "Permanently deletes", false, DESTROY),
    verb("find", "Finds", true, READ),
    verb("add", "Adds", false, WRITE),
    verb("set", "Sets", false, WRITE),
    verb("fetch", "Fetches", false, READ),
    verb("describe", "Describes", false, READ),
    verb("send", "Sends", false, WRITE),
    verb("run", "Runs", false, WRITE),
    verb("check", "Checks", false, READ),
    verb("remove", "Removes", false, DESTROY),
    verb("read", "Reads", false, READ),
    verb("analyze", "Analyzes", false, READ),
    verb("validate", "Validates", false, READ),
    verb("export", "Exports", true, READ),
    verb("query", "Queries", true, READ),
    verb("generate", "Generates", false, WRITE),
    verb("execute", "Executes", false, WRITE),
    verb("upload", "Uploads", false, WRITE),
    verb("download", "Downloads", false, READ),
    verb("compare", "Compares", true, READ),
    verb("cancel", "Cancels", false, DESTROY),
    verb("publish", "Publishes", false, WRITE),
    verb("move", "Moves", false, WRITE),
    verb("rename", "Renames", false, WRITE),
    verb("archive", "Archives", false, WRITE),
    verb("restore", "Restores", false, WRITE),
    verb("sync", "Synchronizes", true, WRITE),
    verb("deploy", "Deploys", false, WRITE),
    verb("restart", "Restarts", false, DESTROY),
    verb("stop", "Stops", false, DESTROY),
    verb("start", "Starts", false, WRITE),
    verb("approve", "Approves", false, WRITE),
    verb("share", "Shares", false, WRITE),
    verb("revoke", "Revokes", false, DESTROY),
    verb("import", "Imports", true, WRITE),
    verb("merge", "Merges", true, WRITE),
    verb("clone", "Clones", false, WRITE),
    verb("preview", "Previews", false, READ),
    verb("subscribe", "Subscribes to", true, WRITE),
    verb("purge", "Purges", true, DESTROY),
    verb("drop", "Drops", false, DESTROY),
    verb("count", "Counts", true, READ),
    verb("summarize", "Summarizes", true, READ),
];

/// What a name may end in.
pub(super) const ENDINGS: &[&str] = &[
    "by_id",
    "details",
    "batch",
    "v2",
    "history",
    "summary",
    "status",
    "by_name",
    "metadata",
    "advanced",
    "recent",
    "with_filters",
    "stats",
    "for_user",
    "raw",
    "async",
];

/// Names without any verb.
pub(super) const BARE_ENDINGS: &[&str] =
    &["info", "overview", "status", "tree", "report", "symbols", "usage", "graph"];

/// Sentences that go on after the first; `{thing}` and `{things}` are filled in.
pub(super) const SENTENCES: &[&str] = &[
    "Returns at most 100 {things} at a time; pass the cursor to get the next page.",
    "Requires an API key with access to the workspace.",
    "The {thing} must exist, otherwise an error is returned.",
    "Use this when the user asks about a {thing}.",
    "Dates are given in ISO 8601 format, for example `2026-03-01`.",
    "Each {thing} comes with its identifier, its title and the time it was last changed.",
    "Set `dry_run` to see what would happen without changing anything.",
    "Results are sorted by relevance unless `order_by` says otherwise.",
    "This operation cannot be undone.",
    "The change is visible to all members of the workspace at once.",
    "Large {things} are cut after 10,000 characters.",
    "Filters can be combined; all of them have to match.",
    "The answer is JSON with one entry for each {thing}.",
    "Do not call this more than once a second.",
    "If no {thing} is given, the default one of the account is taken.",
    "Works with self-hosted installations as well.",
    "See the documentation of the service for the meaning of each field.",
    "Identifiers of {things} begin with the workspace's prefix.",
    "Only {things} that you may see are part of the answer.",
    "Supports wildcards such as `*` and `?` in names.",
    "Takes effect within a few minutes.",
    "An earlier version of the {thing} is kept for 30 days.",
    "Permissions are inherited from the parent.",
    "Time zones follow the account's settings.",
    "Ask the user before you call this with more than ten {things}.",
    "The previous value is replaced.",
    "Notifies everybody who follows the {thing}.",
    "It is recommended to list the {things} first and to use the identifiers from there.",
];

/// Lines in the manner of a docstring.
pub(super) const DOC_LINES: &[&str] = &[
    "\n\nArgs:\n    id: Identifier of the {thing}\n    limit: How many {things} to return",
    "\n\nReturns:\n    A dictionary with the {thing} and its fields",
    "\n\nExamples:\n- one {thing} by its identifier\n- all {things} of a project",
    "\n\n**Note:** the {thing} is looked up in the *current* workspace.",
    "\n\n## When to use\n\nWhenever a {thing} has to be found by its name.",
    "\n\n```json\n{\"id\": \"abc-123\"}\n```",
];

/// Descriptions in other scripts; `{thing}` stays as it is.
pub(super) const FOREIGN: &[&[&str]] = &[
    &[
        "查询 {thing} 的详细信息。",
        "返回列表，支持分页。",
        "需要有效的访问密钥。",
        "创建新的 {thing}，并返回其编号。",
        "结果按时间排序。",
    ],
    &["列出所有 {thing}。", "此操作不可撤销。", "请先确认参数是否正确。", "支持按名称过滤。"],
    &["{thing} の一覧を取得します。", "結果は新しい順に並びます。", "識別子を指定してください。"],
    &["{thing} 목록을 가져옵니다.", "결과는 이름순으로 정렬됩니다."],
    &["يعرض قائمة {thing}.", "يمكن تحديد عدد النتائج.", "يتطلب مفتاح وصول صالحًا."],
    &["Повертає список {thing}.", "Результат відсортовано за датою."],
];

/// A parameter: name, type, description.
pub(super) const PARAMETERS: &[(&str, &str, &str)] = &[
    ("id", "string", "Identifier of the {thing}"),
    ("limit", "integer", "How many {things} to return at most"),
    ("query", "string", "What to look for"),
    ("name", "string", "Name of the {thing}"),
    ("cursor", "string", "Where to go on, from the answer before"),
    ("project_id", "string", "The project that the {thing} belongs to"),
    ("filter", "object", "Only {things} that match"),
    ("description", "string", "A longer text about the {thing}"),
    ("start_date", "string", "First day, ISO 8601"),
    ("end_date", "string", "Last day, ISO 8601"),
    ("tags", "array", "Labels of the {thing}"),
    ("include_archived", "boolean", "Also {things} that were archived"),
    ("format", "enum", "How the answer is written"),
    ("order_by", "enum", "Order of the {things}"),
    ("url", "string", "Address of the {thing}"),
    ("path", "string", "Path of the file, relative to the working folder"),
    ("content", "string", "The new content of the {thing}"),
    ("timeout", "number", "Seconds to wait"),
    ("dry_run", "boolean", "Only say what would happen"),
    ("force", "boolean", "Do it even if the {thing} is in use"),
    ("owner", "string", "Who the {thing} belongs to"),
    ("email", "string", "Address of the person to notify"),
    ("command", "string", "Command line to run"),
    ("sql", "string", "Statement to run"),
    ("page", "integer", "Number of the page, from 1"),
    ("per_page", "integer", "{things} on one page"),
    ("fields", "array", "Fields of the {thing} to return"),
    ("language", "string", "Language of the answer"),
    ("region", "string", "Region to look in"),
    ("amount", "number", "Amount in the account's currency"),
    ("recursive", "boolean", "Also what lies below"),
    ("metadata", "object", "Anything else about the {thing}"),
];

/// Values of enumerations.
pub(super) const VALUES: &[&[&str]] = &[
    &["json", "markdown", "csv"],
    &["created", "updated", "name"],
    &["asc", "desc"],
    &["low", "normal", "high"],
];

/// First halves of makers' names.
pub(super) const MAKERS: &[&str] = &[
    "acorn", "amber", "basalt", "birch", "bluebell", "cedar", "cobalt", "copper", "delta", "ember", "fable",
    "fern", "flint", "garnet", "granite", "harbor", "hazel", "indigo", "iris", "juniper", "kestrel",
    "lantern", "larch", "linden", "lumen", "maple", "meadow", "mosaic", "nimbus", "north", "oak", "onyx",
    "opal", "orbit", "otter", "pebble", "pine", "prism", "quartz", "quill", "raven", "ridge", "river",
    "rowan", "saffron", "sequoia", "slate", "sparrow", "spruce", "summit", "tidal", "topaz", "tundra",
    "umber", "velvet", "willow", "wren", "zephyr",
];

/// Second halves.
pub(super) const HALVES: &[&str] = &[
    "works", "labs", "soft", "forge", "stack", "data", "cloud", "kit", "flow", "base", "hub", "craft",
    "logic", "grid", "bridge", "point", "line", "field",
];
