// Checks the configuration file of a client, in the browser alone. What is known of servers lies in small scripts (check/), loaded as
// they are needed, as those of the search are. Values of variables and headers and words of commands are never shown: what is shown of a
// file is the names of its entries, names of packages, and addresses that have no place for a secret. All of it goes into the page as text.
'use strict';
(() => {
  const LONGEST = 4_000_000; // signs
  const ENTRIES = 400;
  const GRAVEST = 20;
  const DEEPEST = 20;

  // How launchers read their own options; a test compares these lists with those of the program (src/clients/launch.rs).
  const NPM = '--yes -y --no --no-install --quiet -q --silent -s --verbose -d -dd -ddd --prefer-offline --prefer-online --offline --ignore-existing --ignore-scripts --force -f --foreground-scripts --legacy-peer-deps --no-audit --no-fund --no-update-notifier --global -g --include-workspace-root --workspaces --always-spawn --no-warnings --loglevel=silent';
  const BUN = '--bun --silent --verbose --no-install -y --yes --quiet';
  const PNPM = '--silent -s --shell-mode -c --yes -y --quiet -q --prefer-offline';
  const YARN = '-q --quiet';
  const UV = '--isolated --no-env-file --no-index --upgrade -U --reinstall --refresh --pre --compile-bytecode --no-sources --no-build --no-binary --no-build-isolation --no-cache -n --no-cache-dir --managed-python --no-managed-python --no-python-downloads --allow-python-downloads --quiet -q --verbose -v --native-tls --system-certs --offline --no-progress --no-config --show-resolution --python-fetch --lfs --preview --no-preview --bytecode';
  const PIPX = '--no-cache --path --pypackages --verbose -v --quiet -q --fetch-missing-python --global --system-site-packages';
  const ELSEWHERE = {
    npm: '--registry --userconfig --globalconfig',
    pypi: '--index --default-index --index-url -i --extra-index-url --find-links -f --pip-args --config-file',
  };
  const LAUNCHERS = [
    ['npx', 'npm', '-p --package', NPM],
    ['npm exec', 'npm', '-p --package', NPM],
    ['npm x', 'npm', '-p --package', NPM],
    ['bunx', 'npm', '-p --package', BUN],
    ['bun x', 'npm', '-p --package', BUN],
    ['pnpx', 'npm', '--package', PNPM],
    ['pnpm dlx', 'npm', '--package', PNPM],
    ['yarn dlx', 'npm', '-p --package', YARN],
    ['uvx', 'pypi', '--from', UV],
    ['uv tool run', 'pypi', '--from', UV],
    ['pipx run', 'pypi', '--spec', PIPX],
  ];
  // How the keys of well-known services begin (src/clients/secret.rs).
  const SECRET = 'sk- sk_ pk_live rk_live ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ glpat- xoxb- xoxp- xoxa- xapp- AKIA ASIA AIza eyJ hf_ npm_ pypi- dop_v1_ shpat_ SG. ya29. lin_api_ ntn_ secret_ tvly- figd_ pat- Bearer Basic';
  // Programs that are named where an entry starts one; any other word could be anything.
  const PROGRAMS = 'node python python3 deno bun java go dotnet cargo ruby php docker podman npm npx uv uvx sh bash zsh cmd powershell pwsh';

  const isTable = it => typeof it === 'object' && it !== null && !Array.isArray(it);
  const own = (table, key) => (Object.hasOwn(table, key) ? table[key] : undefined);

  // JSON without comments and without commas before a closing bracket.
  const withoutComments = text => {
    const out = [];
    const rest = /[^"/,\]}\s]+|\s+/y;
    let comma = -1;
    for (let at = 0; at < text.length;) {
      const sign = text[at];
      let end = at + 1;
      if (sign === '"') {
        while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
        end += 1;
      } else if (sign === '/' && (text[end] === '/' || text[end] === '*')) {
        const close = text[end] === '/' ? text.indexOf('\n', at) : text.indexOf('*/', at + 2);
        const from = at;
        at = close < 0 ? text.length : close + (text[end] === '/' ? 0 : 2);
        // Lines are counted where it does not read.
        out.push(text.slice(from, at).replace(/[^\n]+/g, ' '));
        continue;
      } else if (!',/]}'.includes(sign)) {
        rest.lastIndex = at;
        rest.exec(text);
        end = rest.lastIndex;
      }
      if (sign === ',') comma = out.length;
      else if (sign.trim()) {
        if (comma >= 0 && (sign === ']' || sign === '}')) out[comma] = '';
        comma = -1;
      }
      out.push(text.slice(at, end));
      at = end;
    }
    return out.join('');
  };

  // Where JSON ends being JSON: the place of the first sign that cannot stand there, or the end of the text.
  const faultIn = text => {
    const open = [];
    const token = /"[^"\\\n]*(?:\\[^\n][^"\\\n]*)*"|[^\s{}[\]:,"]+|[^]/y;
    let wanted = 'value';
    for (let at = 0; ; at = token.lastIndex) {
      while (' \t\r\n'.includes(text[at] ?? '.')) at += 1;
      token.lastIndex = at;
      const it = at < text.length ? token.exec(text)[0] : '';
      const isText = it.length > 1 && it[0] === '"' && !/[\0-\x1f]|\\(?!["\\/bfnrt]|u[\da-fA-F]{4})[^]/.test(it.replace(/\\\\/g, ''));
      const [what, or] = wanted.split(' ');
      const closes = open.length > 0 && it === { '{': '}', '[': ']' }[open.at(-1)] && [what, or].includes('close');
      if (closes) { open.pop(); wanted = 'comma close'; }
      else if (what === 'value' && (it === '{' || it === '[')) { open.push(it); wanted = it === '{' ? 'key close' : 'value close'; }
      else if (what === 'value' && (isText || /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/.test(it))) wanted = 'comma close';
      else if (what === 'key' && isText) wanted = 'colon';
      else if (what === 'colon' && it === ':') wanted = 'value';
      else if (what === 'comma' && it === ',' && open.length) wanted = open.at(-1) === '{' ? 'key' : 'value';
      else return at;
    }
  };
  const lineOf = (text, at) => text.slice(0, at).split('\n').length;
  // What is wrong with a text, in our words alone: what a browser says of JSON can hold a piece of it.
  class Fault extends Error {}

  // As much of TOML as tables of servers are written in: tables, dotted and quoted keys, texts, lists, inline tables, bare words. What does
  // not read is passed over, and told with its line.
  const readToml = (text, tell) => {
    const root = Object.create(null);
    let table = root, at = 0;
    const fail = why => { throw new Fault(why); };
    const blank = lines => {
      for (;; at += 1) {
        if (text[at] === '#') { const end = text.indexOf('\n', at); at = end < 0 ? text.length : end; }
        if (at >= text.length || !(lines ? ' \t\r\n' : ' \t\r').includes(text[at])) return;
      }
    };
    const take = sign => { if (text[at] !== sign) fail(`${sign} is missing`); at += 1; };
    const quoted = () => {
      const sign = text[at];
      const long = text.startsWith(sign.repeat(3), at);
      const close = long ? sign.repeat(3) : sign;
      at += close.length;
      const parts = [];
      for (;;) {
        if (at >= text.length || !long && text[at] === '\n') fail('a quotation mark is missing');
        if (text.startsWith(close, at)) { at += close.length; return parts.join(''); }
        if (sign === '"' && text[at] === '\\') {
          const code = { u: 4, U: 8 }[text[at + 1]];
          const number = code && parseInt(text.slice(at + 2, at + 2 + code), 16);
          parts.push(code ? String.fromCodePoint(number <= 0x10ffff ? number : 0xfffd) : { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f' }[text[at + 1]] ?? text[at + 1] ?? '');
          at += 2 + (code ?? 0);
        } else { parts.push(text[at]); at += 1; }
      }
    };
    const bare = /\d{4}-\d\d-\d\d \d\d:[\d:.+Z-]*|[^\s,#\]}=]+/y;
    const word = /[\w-]+/y;
    const match = (pattern, what) => {
      pattern.lastIndex = at;
      const found = pattern.exec(text)?.[0] ?? fail(`a ${what} is missing`);
      at += found.length;
      return found;
    };
    const keys = () => {
      const parts = [];
      for (;;) {
        blank();
        parts.push(text[at] === '"' || text[at] === "'" ? quoted() : match(word, 'name'));
        blank();
        if (text[at] !== '.') return parts;
        at += 1;
      }
    };
    const within = (from, parts) => parts.reduce((to, part) => {
      if (to[part] === undefined) to[part] = Object.create(null);
      return isTable(to[part]) ? to[part] : fail('a name stands for two things');
    }, from);
    const pair = (to, depth) => {
      const parts = keys();
      take('=');
      blank();
      const last = parts.pop();
      const value = read(depth);
      within(to, parts)[last] = value;
    };
    const read = depth => {
      if (depth > DEEPEST) fail('it is nested too deep');
      if (text[at] === '"' || text[at] === "'") return quoted();
      if (text[at] === '[') {
        const list = [];
        for (at += 1, blank(true); text[at] !== ']'; blank(true)) {
          list.push(read(depth + 1));
          blank(true);
          if (text[at] === ',') at += 1; else if (text[at] !== ']') fail('] is missing');
        }
        at += 1;
        return list;
      }
      if (text[at] === '{') {
        const inner = Object.create(null);
        for (at += 1, blank(true); text[at] !== '}'; blank(true)) {
          pair(inner, depth + 1);
          blank(true);
          if (text[at] === ',') at += 1; else if (text[at] !== '}') fail('} is missing');
        }
        at += 1;
        return inner;
      }
      const found = match(bare, 'value');
      return found === 'true' ? true : found === 'false' ? false : found;
    };
    while (blank(true), at < text.length) {
      const from = at;
      try {
        if (text[at] === '[') {
          // What stands below a head that does not read belongs to no table that is known.
          table = Object.create(null);
          const list = text[at + 1] === '[';
          at += list ? 2 : 1;
          const parts = keys();
          take(']');
          if (!list) table = within(root, parts);
        } else pair(table, 0);
      } catch (fault) {
        tell(from, fault.message);
        const end = text.indexOf('\n', Math.max(at, from));
        at = end < 0 ? text.length : end + 1;
      }
    }
    return root;
  };

  // The words of a shell line; none where a quote is not closed.
  const wordsOf = line => {
    const words = [];
    let word = null, quote = '';
    for (let at = 0; at < line.length; at += 1) {
      const sign = line[at];
      if (quote ? sign === quote : sign === '"' || sign === "'") { quote = quote ? '' : sign; word ??= ''; }
      else if (sign === '\\' && quote !== "'") { at += 1; word = (word ?? '') + (line[at] ?? ''); }
      else if (!quote && /\s/.test(sign)) { if (word !== null) words.push(word); word = null; }
      else word = (word ?? '') + sign;
    }
    if (word !== null) words.push(word);
    return quote ? [] : words;
  };

  // What an entry starts, as `catalogue scan --registry config` reads it: keys of servers to look up, or why there are none.
  const no = why => ({ why });
  const list = it => (typeof it === 'string' ? [it] : typeof it === 'number' ? [String(it)] : Array.isArray(it) ? it.flatMap(one => (Array.isArray(one) ? [] : list(one))) : isTable(it) ? [...list(own(it, 'path')), ...list(own(it, 'args'))] : []);
  const programName = word => {
    const name = word.split(/[/\\]/).pop();
    return /\.(exe|cmd|bat|ps1)$/i.test(name) ? name.replace(/\.\w+$/, '').toLowerCase() : name;
  };
  const npmName = spec => {
    const text = spec.replace(/^.+?@npm:/, '').replace(/^npm:/, '');
    const found = /^((?:@[^/@]+\/)?[^/@]+)(?:@(.*))?$/.exec(text);
    if (!found || /[:/]/.test(found[1].replace(/^@[^/]+\//, '')) || /[:/]/.test(found[2] ?? '') || found[1].startsWith('.')) return no('its package is a folder, an archive or a repository');
    const good = found[1].length <= 214 && /^(?:@[a-z\d~-][\w.~-]*\/)?[a-z\d~-][\w.~-]*$/i.test(found[1]);
    if (!good) return no('its package has no name that npm would accept');
    return { keys: ['npm:' + found[1]], version: /^\d+\.\d+\.\d+(?:[-+][\w.+-]+)?$/.test(found[2] ?? '') ? found[2] : '' };
  };
  const pypiName = spec => {
    const text = spec.split(';')[0].trim();
    if (/:\/\/|[/\\]|^\./.test(text)) return no('its package is a folder, an archive or a repository');
    const found = /^([a-z\d](?:[\w.-]*[a-z\d])?)\s*(?:\[[^\]]*\])?\s*(?:(?:===?|@)\s*(v?\d[\w.!+-]*)$)?/i.exec(text);
    if (!found || found[1].length > 214 || /^[\w.-]/.test(text.slice(found[1].length))) return no('its package has no name that PyPI would accept');
    return { keys: ['pypi:' + found[1].replace(/[-_.]+/g, '-').toLowerCase()], version: found[2] ?? '' };
  };
  const SECRETS = SECRET.split(' ');
  const looksSecret = text => {
    if (SECRETS.some(start => text.startsWith(start) && text.length >= start.length + 8)) return true;
    const count = (piece, pattern) => (piece.match(pattern) ?? []).length;
    const isRandom = piece => {
      const [digits, letters, upper, lower] = [/\d/g, /[a-z]/gi, /[A-Z]/g, /[a-z]/g].map(pattern => count(piece, pattern));
      return piece.length >= 8 && digits >= 2 && letters > 0 || piece.length >= 20 && upper >= 3 && lower >= 3 || piece.length >= 32 && letters + digits === piece.length;
    };
    return text.length >= 16 && text.split(/[-_.:/+=~@]/).some(isRandom) || text.split(/[-_.:]/).some(piece => /^\d{12,}$/.test(piece));
  };
  const remote = text => {
    if (/[{}$]|%7B/.test(text)) return no('its address has a variable, and those are never guessed');
    const address = URL.canParse(text) ? new URL(text) : null;
    if (!address || !/^https?:$/.test(address.protocol) || !address.hostname) return no('its address cannot be asked: https:// only, or http:// on this machine');
    const parts = [...address.pathname.split(/[/;,&]/), ...address.hostname.split('.')];
    if (parts.some(part => part.includes('=') || looksSecret(part))) return no('its address could hold a secret');
    const plain = address.origin + address.pathname;
    const isHere = /^(?:localhost|.*\.localhost|127\..*|0\.0\.0\.0|\[::1?\])\.?$/.test(address.hostname);
    if (address.protocol === 'http:' && !isHere) return no('its address cannot be asked: https:// only, or http:// on this machine');
    return { keys: ['remote:' + plain], version: '', isHere };
  };
  const launch = words => {
    const name = programName(words[0] ?? '');
    for (const [line, registry, packages, switches] of LAUNCHERS) {
      const [first, ...others] = line.split(' ');
      if (name !== first) continue;
      const kept = [];
      let at = 1;
      const all = others.every(wanted => {
        while (at < words.length && words[at] !== wanted && words[at].startsWith('-')) kept.push(words[at++]);
        return words[at++] === wanted;
      });
      if (all) return packageOf([...kept, ...words.slice(at)], registry, packages.split(' '), switches.split(' '));
    }
    return null;
  };
  const packageOf = (words, registry, packages, switches) => {
    const named = [];
    let first, at = 0, ended = false;
    for (; at < words.length; at += 1) {
      const word = words[at];
      if (ended || !word.startsWith('-') || word === '-') { first = word; at += 1; break; }
      if (word === '--') { ended = true; continue; }
      const [, option, value] = /^([^=]*)(?:=([^]*))?$/.exec(word);
      if (ELSEWHERE[registry].split(' ').includes(option)) return no('its package comes from a registry of its own');
      if (switches.includes(option)) continue;
      const given = value ?? (at + 1 < words.length && !words[at + 1].startsWith('-') ? words[at += 1] : undefined);
      if (packages.includes(option) && given !== undefined) named.push(given);
    }
    const args = words.slice(at);
    const isCalled = spec => { const own = npmName(spec).keys?.[0].slice(4); return own === first || own?.split('/').pop() === first; };
    const spec = named.length === 0 ? first : named.length === 1 ? named[0] : named.find(isCalled);
    if (spec === undefined) return no(named.length ? 'of several packages it is not said which one is the server' : 'its launcher is not told which package to start');
    return { ...(registry === 'npm' ? npmName(spec) : pypiName(spec)), args };
  };
  const unwrapped = (words, depth) => {
    const [program, ...rest] = words;
    let inner = null;
    const name = programName(program ?? '');
    if (depth > 3) return words;
    if (name === 'cmd' && /^\/c$/i.test(rest[0] ?? '')) inner = rest.slice(1);
    else if (name === 'env') {
      const from = rest.findIndex(word => word.startsWith('-') || !word.includes('='));
      if (from >= 0 && !rest[from].startsWith('-')) inner = rest.slice(from);
    } else if (['sh', 'bash', 'zsh'].includes(name) && rest.length === 2 && /^-(c|lc|ic|lic)$/.test(rest[0])) {
      const line = rest[1].replace(/^exec /, '');
      if (!/[|&;<>$`(\n*?]/.test(line)) inner = wordsOf(line);
    }
    if (!inner?.length) return words;
    inner = unwrapped(inner, depth + 1);
    return launch(inner) ? inner : words;
  };
  const ADDRESSES = ['httpUrl', 'url', 'serverUrl'];
  const startOf = (entry, bridges) => {
    if (own(entry, 'disabled') === true || own(entry, 'enabled') === false) return no('it is switched off in its client');
    let words = [...list(own(entry, 'command')), ...list(own(entry, 'args'))];
    if (words.length === 1 && /\s/.test(words[0])) words = wordsOf(words[0]);
    if (!words[0]) {
      const address = ADDRESSES.flatMap(key => list(own(entry, key)))[0];
      return address === undefined ? no('it has neither a command nor an address') : remote(address);
    }
    words = unwrapped(words, 0);
    const found = launch(words);
    if (!found) {
      const name = programName(words[0]);
      return no(PROGRAMS.split(' ').includes(name) ? `it starts ${name} with something of your machine${/^(docker|podman)$/.test(name) ? '; images are not looked up' : ''}` : 'it starts a program of your machine');
    }
    const address = bridges.includes(found.keys?.[0]) && found.args.find(word => /^https?:\/\//.test(word));
    return address ? remote(address) : found;
  };

  // A line of its own: a purl, a target of `catalogue scan`, a command, or a bare name.
  const ofLine = line => {
    const bare = line.replace(/^[-*]\s+/, '').replace(/[,;]+$/, '');
    const text = /^(["'`])([^"'`]*)\1$/.exec(bare)?.[2] ?? bare;
    const purl = /^pkg:(npm|pypi|github)\/([^?#]+)/i.exec(text);
    let plain = text;
    if (purl) {
      try { plain = decodeURIComponent(purl[2]); } catch { return no('it is no package URL'); }
      plain = purl[1].toLowerCase() + ':' + (purl[1].toLowerCase() === 'pypi' ? plain.replace(/@(?=[^@]*$)/, '==') : plain);
    }
    if (/^npm:/.test(plain)) return npmName(plain);
    if (/^pypi:/.test(plain)) return pypiName(plain.slice(5));
    const github = /^github:([\w.-]+\/[\w.-]+)(@[^#\s]*)?(?:#([\w./-]+))?$/.exec(plain);
    if (github) return { keys: ['github:' + github[1].toLowerCase() + (github[3] ? '/' + github[3] : '')], version: '' };
    if (/^https?:\/\//.test(plain)) return remote(plain);
    if (/\s/.test(plain)) return startOf({ command: plain }, []);
    const [npm, pypi] = [npmName(plain), pypiName(plain)];
    return npm.keys ? { keys: [...npm.keys, ...plain.startsWith('@') || !pypi.keys ? [] : pypi.keys], version: npm.version || pypi.version || '' } : pypi.keys ? pypi : no('it is no name of a package');
  };

  // The entries of what was pasted: their names, and what each starts. `tell` hears what was passed over, and in which line.
  const entriesOf = (text, places, bridges, tell) => {
    const clean = text.replace(/^\ufeff/, '').trim();
    const first = lineOf(text, text.search(/\S/)) - 1;
    const isJson = /^(?:[{"]|\/[/*])/.test(clean);
    // A head that was cut off is one, too.
    const isToml = /^\s*\[\s*["']?mcp_servers\b/m.test(clean) || /^\s*mcp_servers\s*\./m.test(clean) || !isJson && /^[ \t]*\[\[?[ \t]*[a-z_][^\]\n,{]*(?:\]\]?[ \t\r]*(?:#.*)?)?$|\n[ \t]*\[\[?$(?![^])/im.test(clean);
    if (/^(?:\[|null\b|true\b|false\b|-?\d+(?:\.\d+)?$)/.test(clean) && !isToml) throw new Error('no configuration');
    if (!isToml && !isJson) {
      const lines = clean.split('\n').map(line => line.replace(/(^|\s)#\s.*$|^#.*$/, '').trim()).filter(Boolean);
      return lines.slice(0, ENTRIES + 1).map(line => ({ name: '', ...ofLine(line) }));
    }
    const read = () => {
      if (isToml) return readToml(clean, (at, why) => tell(() => first + lineOf(clean, at), why));
      const bare = withoutComments(clean);
      const plain = bare.trim();
      const whole = plain.startsWith('"') ? `{${plain.replace(/,$/, '')}}` : plain;
      try { return JSON.parse(whole); } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        const at = faultIn(whole);
        const line = first + lineOf(bare, bare.search(/\S/)) - 1 + lineOf(whole, at);
        throw new Fault(at < whole.length ? `the JSON has a fault in line ${line}` : `the JSON ends in line ${line} before it is complete`);
      }
    };
    const root = read();
    if (!isTable(root)) return [];
    const at = place => place.split('/').reduce((found, key) => found.filter(isTable).flatMap(one => (key.startsWith('{') ? Object.values(one) : own(one, key) === undefined ? [] : [own(one, key)])), [root]).filter(isTable);
    const starts = entry => isTable(entry) && ['command', ...ADDRESSES].some(key => Object.hasOwn(entry, key));
    let found = places.flatMap(place => at(place).flatMap(table => Object.entries(table).filter(([name, entry]) => isTable(entry) && (starts(entry) || !places.includes(`${place}/${name}`)))));
    // A piece of a file: the table by itself, or one entry.
    if (!found.length && starts(root)) found = [['', root]];
    if (!found.length) found = Object.entries(root).filter(([, entry]) => starts(entry));
    return found.slice(0, ENTRIES + 1).map(([name, entry]) => ({ name, ...startOf(entry, bridges) }));
  };

  // What is known of servers, loaded by the hash of their keys.
  let directory;
  const shards = new Map();
  const loading = new Map();
  const load = path => {
    if (!loading.has(path)) {
      loading.set(path, new Promise((done, fail) => {
        const script = document.createElement('script');
        script.src = path;
        script.onload = () => { script.remove(); done(); };
        script.onerror = () => { script.remove(); loading.delete(path); fail(new Error(path)); };
        document.head.append(script);
      }));
    }
    return loading.get(path);
  };
  window.catalogueDirectory = text => { directory = text.split(' '); };
  window.catalogueServers = ([begins, rows]) => shards.set(begins, new Map(rows.map(row => [row[0], row])));
  const hash = text => {
    let hash = 0x811c9dc5;
    for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
    hash = Math.imul(hash ^ hash >>> 16, 0x85ebca6b);
    hash = Math.imul(hash ^ hash >>> 13, 0xc2b2ae35);
    return (hash ^ hash >>> 16) >>> 0;
  };
  const lookUp = async key => {
    const bits = hash(key).toString(2).padStart(32, '0');
    const begins = directory.find(one => bits.startsWith(one));
    if (begins === undefined) return undefined;
    if (!shards.has(begins)) await load(`check/s/${begins || 'all'}.js`);
    const row = shards.get(begins).get(key);
    if (!row) return undefined;
    const [, name, folder, version, state, counts, gravest] = row;
    const [registry, ...rest] = key.split(':');
    const title = rest.join(':');
    return { key, name: name || title, folder: folder || `servers/${registry}/${title}`, version, state, counts, gravest };
  };

  addEventListener('DOMContentLoaded', () => {
    const box = document.querySelector('.check');
    const [field, run, clear, file, status, result] = ['config', 'run', 'clear', 'file', 'status', 'result'].map(id => document.getElementById(id));
    const words = text => text.split(' ').filter(Boolean);
    const [places, bridges] = [words(box.dataset.places), words(box.dataset.bridges)];
    const pairs = (text, sign) => text.split(sign).filter(Boolean).map(one => one.split(':'));
    const [classes, risks, formats] = [pairs(box.dataset.classes, ' '), pairs(box.dataset.risks, ' '), pairs(box.dataset.formats, '|')];
    let turn = 0;

    const el = (name, kind, ...parts) => {
      const it = document.createElement(name);
      if (kind) it.className = kind;
      it.append(...parts);
      return it;
    };
    const link = (to, kind, ...parts) => { const it = el('a', kind, ...parts); it.href = to; return it; };
    // What nobody can see in a name is not shown in it.
    const shown = text => { const plain = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' '); return plain.length > 120 ? plain.slice(0, 120) + '…' : plain; };
    const plural = (count, word) => `${count.toLocaleString('en')} ${count === 1 ? word : word + 's'}`;
    const tally = (kind, counts, names) => {
      const it = el('ul', kind);
      counts.forEach((count, i) => { if (count) { const [css, word] = names[i]; it.append(el('li', css, ...names === classes ? [stop(css)] : [], `${count.toLocaleString('en')} ${word}${names === risks ? ' risk' : ''}`)); } });
      return it;
    };
    const stop = css => { const it = el('i', `stop ${css}`); it.ariaHidden = 'true'; return it; };
    const section = (title, ...parts) => [el('h2', '', title), ...parts];
    const ofEntry = entry => (entry.name ? [el('code', '', shown(entry.name)), ' '] : []);

    const knownServer = ({ entry, server }) => {
      const it = el('li', '', ...ofEntry(entry), ...entry.name ? ['starts '] : [], link(`${server.folder}/index.html`, 'own', shown(server.name)), ' ', el('code', 'key', shown(server.key)));
      if (!(server.state > 0)) {
        it.append(el('p', 'quiet', server.state === 0 ? 'It answered, and listed no tools.' : server.state === 'never-asked' ? 'Never asked: nothing is known of its tools but what others declare.' : `It did not answer (${server.state}), so nothing is known of its tools.`));
        return it;
      }
      const other = entry.version && server.version && entry.version !== server.version ? `, where your file names ${entry.version}` : '';
      it.append(el('p', '', `${plural(server.state, 'tool')}${server.version ? ` of version ${server.version}${other}` : ''}: `), tally('tally', server.counts.slice(0, 4), classes), tally('tally', server.counts.slice(4), risks));
      const policy = el('p', 'quiet', link(`${server.folder}/index.html#policy`, '', 'Its policy'));
      formats.forEach(([path, title], i) => {
        const to = link(`${server.folder}/${path}`, '', title);
        to.download = '';
        policy.append(i ? ', ' : ', as a file for ', to);
      });
      it.append(policy);
      return it;
    };
    // Its page, or, on a folded site, its place on its server's page.
    const pageOf = (folder, page) => (page.includes('#') ? `${folder}/${page}` : `${folder}/tools/${page}.html`);
    const graveTool = ({ server, tool: [name, word, slug] }) => {
      const [effect, risk] = [classes[word >> 2], risks[word & 3]];
      return el('li', '', link(pageOf(server.folder, slug ?? name), '', el('code', '', shown(name))), ' ', el('span', `effect ${effect[0]}`, effect[1]), ' ', el('span', `risk ${risk[0]}`, risk[1]), ' ', el('p', '', el('span', 'from', shown(server.name))));
    };
    const targetOf = key => (key.startsWith('remote:') ? key.slice(7) : key);
    const wordFor = ({ keys: [key], version }) => {
      const target = targetOf(key) + (!version ? '' : key.startsWith('npm:') ? '@' + version : key.startsWith('pypi:') ? '==' + version : '');
      return /^[\w.,:/@=~+%-]+$/.test(target) ? target : `'${target.replaceAll("'", "'\\''")}'`;
    };
    const command = line => {
      // What it does is in site.js.
      const copy = el('button', 'copy', 'Copy');
      copy.type = 'button';
      return el('div', 'code', el('pre', '', el('code', '', line)), copy);
    };

    const tell = text => { result.replaceChildren(); status.textContent = text; };
    const report = (looked, isCut, passed) => {
      const known = looked.filter(one => one.server);
      const unknown = looked.filter(one => one.entry.keys && !one.server);
      const left = looked.filter(one => !one.entry.keys);
      // Two entries can start one server.
      const servers = [...new Map(known.map(({ server }) => [server.key, { server }])).values()];
      const asked = servers.filter(({ server }) => server.state > 0);
      const quiet = servers.length - asked.length;
      const sum = asked.reduce((all, { server }) => all.map((count, i) => count + (server.counts[i] ?? 0)), Array(8).fill(0));
      const tools = asked.reduce((count, { server }) => count + server.state, 0);
      status.textContent = `${plural(looked.length, 'entry').replace('entrys', 'entries')}${isCut ? ', the first of more,' : ''}: ${[
        asked.length ? `${plural(asked.length, 'server')} in the catalogue with ${plural(tools, 'tool')}` : '',
        quiet ? `${quiet} that listed no tools` : '',
        unknown.length ? `${unknown.length} not in the catalogue` : '',
        left.length ? `${left.length} not looked up` : '',
      ].filter(Boolean).join(', ')}.${passed}`;
      const parts = [];
      if (tools) {
        const grave = asked.flatMap(({ server }) => server.gravest.map(tool => ({ server, tool }))).filter(({ tool }) => (tool[1] & 3) > 1);
        grave.sort((a, b) => (b.tool[1] & 3) - (a.tool[1] & 3) || b.tool[1] - a.tool[1]);
        const names = el('ul', 'tools', ...grave.slice(0, GRAVEST).map(graveTool));
        parts.push(...section('All their tools', tally('tally wide', sum.slice(0, 4), classes), tally('tally', sum.slice(4), risks)));
        parts.push(...section('The most dangerous', ...grave.length
          ? [names, el('p', 'quiet', `Tools of high or critical risk: at most five of each server and ${GRAVEST} together. A server’s page has all of them.`)]
          : [el('p', '', 'None of these tools has high or critical risk.')]));
      }
      if (known.length) parts.push(...section('In the catalogue', el('ul', 'servers', ...known.map(knownServer))));
      if (unknown.length) {
        const each = ({ entry }) => el('li', '', ...ofEntry(entry), el('code', 'key', shown(entry.keys.map(targetOf).join(' or '))));
        const targets = [...new Set(unknown.map(({ entry }) => wordFor(entry)))];
        parts.push(...section('Not in the catalogue', el('ul', '', ...unknown.map(each)), el('p', '', 'That says nothing about them. The program asks them for their tools, in a sandbox:'), command(`catalogue scan ${targets.join(' ')}`)));
      }
      if (left.length) parts.push(...section('Not looked up', el('ul', '', ...left.map(({ entry }) => el('li', '', ...entry.name ? [el('code', '', shown(entry.name)), ': '] : [], entry.why)))));
      result.replaceChildren(...parts);
    };

    const check = async () => {
      const mine = ++turn;
      const text = field.value;
      if (!text.trim()) return tell('There is nothing to check yet.');
      if (text.length > LONGEST) return tell('That is longer than four million characters, and no configuration is.');
      let entries;
      let faults = 0, fault = '';
      try { entries = entriesOf(text, places, bridges, (line, why) => { if (!faults++) fault = `line ${line()}: ${why}`; }); } catch (error) { return tell(`That does not read: ${error instanceof Fault ? error.message : 'it is neither JSON nor TOML nor a list of names'}.`); }
      const passed = faults ? ` What does not read was passed over: ${fault}${faults > 1 ? `, and ${plural(faults - 1, 'place')} below` : ''}.` : '';
      if (!entries.length) return tell(`No server is configured there.${passed}`);
      const isCut = entries.length > ENTRIES;
      status.textContent = 'Looking …';
      try {
        if (!directory) await load('check/index.js');
        const looked = await Promise.all(entries.slice(0, ENTRIES).map(async entry => {
          const found = (await Promise.all((entry.keys ?? []).map(lookUp))).filter(Boolean);
          return found.length ? found.map(server => ({ entry, server })) : [{ entry }];
        }));
        if (mine === turn) report(looked.flat(), isCut, passed);
      } catch { if (mine === turn) tell('A part of the index cannot be loaded. Try again.'); }
    };
    const open = async chosen => {
      if (!chosen) return;
      const mine = ++turn;
      if (chosen.size > LONGEST) return tell('That is longer than four million characters, and no configuration is.');
      try {
        const text = await chosen.text();
        if (mine !== turn) return;
        field.value = text;
        await check();
      } catch { tell('That file cannot be read.'); }
    };
    const empty = () => { turn += 1; field.value = ''; file.value = ''; tell(''); };

    run.onclick = check;
    clear.onclick = () => { empty(); field.focus(); };
    file.onchange = () => open(file.files[0]);
    field.addEventListener('keydown', event => { if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) { event.preventDefault(); check(); } });
    field.addEventListener('dragover', event => event.preventDefault());
    field.addEventListener('drop', event => { if (event.dataTransfer.files.length) { event.preventDefault(); open(event.dataTransfer.files[0]); } });
    // What was pasted is not left behind for whoever comes back to the page.
    addEventListener('pagehide', empty);
  });
})();
