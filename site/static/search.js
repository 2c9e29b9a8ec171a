// Search without a server. The index lies in small scripts beside this one (search/), loaded as they are needed: scripts, because
// a page that was opened as a file may load those and may not fetch. Everything that is shown goes into the page as text.
'use strict';
(() => {
  const SIGNS = " !#$%'()*+,-./0123456789:;=?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~";
  const SHARDS = 3; // at most, for one word
  const SHARDS_OF_PART = 2;
  const FIRST = 10; // tools shown at once
  const MORE = 20;
  const FEW = 3; // servers, patterns, terms, categories
  // How well a word fits: name of one, two, three, more words; title; server; description. A word that only begins so fits less.
  const COST = [10, 11, 12, 13, 20, 40, 80];
  const BEGINS = 4;
  const NOT_LOOKED_UP = 120;

  const place = new Uint8Array(128);
  [...SIGNS].forEach((sign, i) => { place[sign.charCodeAt(0)] = i; });
  const reader = text => {
    let at = 0;
    const next = () => {
      for (let number = 0, factor = 1; ; factor *= 30) {
        const sign = place[text.charCodeAt(at++)];
        number += sign * factor;
        if (sign < 60) return number;
      }
    };
    next.done = () => at >= text.length;
    return next;
  };

  // What was loaded.
  let index;
  const shards = new Map();
  const blocks = new Map();
  const loading = new Map();
  const load = path => {
    if (!loading.has(path)) {
      loading.set(path, new Promise((done, fail) => {
        const script = document.createElement('script');
        script.src = path;
        script.onload = done;
        script.onerror = () => { loading.delete(path); fail(new Error(path)); };
        document.head.append(script);
      }));
    }
    return loading.get(path);
  };
  // A block has 16 to 32 entries: a word is everywhere if at least a quarter of them have it.
  window.catalogueIndex = ([count, begins, frequent]) => { index = { begins: begins.split(' '), frequent: frequent ? frequent.split(' ') : [], quarter: count * 8 }; };
  window.catalogueBlock = ([number, chunks]) => blocks.set(number, chunks);
  window.catalogueShard = ([begins, words, facts, sets, postings]) => {
    const [fact, set, next] = [reader(facts), reader(sets), reader(postings)];
    const kinds = [], names = [];
    while (!fact.done()) {
      const word = fact();
      kinds.push({ kind: word & 3, class: word >> 2 & 3, risk: word >> 4 & 3, registry: word >> 6, signals: fact() });
    }
    while (!set.done()) names.push(Array.from({ length: set() }, set));
    shards.set(begins, words.split(' ').map(word => {
      const head = next();
      const list = { word, of: head % 2 ? 2 ** next() : 0, ids: [], tiers: [], facts: [], names: [] };
      for (let tiers = head >> 1; tiers > 0; tiers -= 1) {
        const tier = next();
        for (let left = next(), block = 0; left > 0; left -= 1) {
          block += next();
          list.ids.push(block * 4096 + next());
          list.tiers.push(tier);
          list.facts.push(kinds[next()]);
          if (names.length) list.names.push(names[next()]);
        }
      }
      return list;
    }));
  };

  // Words as the index has them (src/render/search/words.rs; one list of texts goes through both): each with its parts where capitals begin
  // some. Accents, width and ligatures make no difference.
  const LONGEST = 40;
  const WORDS = 8;
  const ALONE = /[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]/;
  const MARKS = /[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u064b-\u065f\u0670\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f]/g;
  const plain = text => (/[^\0-\x7f]/.test(text) ? text.normalize('NFKD').replace(MARKS, '').replaceAll('\u00df', 'ss').replaceAll('\u1e9e', 'SS').normalize('NFC') : text);
  const wordsOf = text => {
    const words = new Map();
    const small = run => Array.from(run.slice(0, LONGEST), c => c.toLowerCase()).join('');
    let run = '';
    const end = () => {
      const parts = run.replace(/\P{Uppercase}(?=\p{Uppercase})|\p{Uppercase}(?=\p{Uppercase}\p{Lowercase})/gu, '$& ').split(' ').map(small);
      if (run) words.set(small(run), parts.length > 1 ? parts.slice(0, WORDS) : []);
      run = '';
    };
    for (const c of plain(text)) {
      if (c.length > 1 || !/[\p{Alphabetic}\p{N}]/u.test(c)) end();
      else if (ALONE.test(c)) { end(); words.set(c, []); } else run += c;
    }
    end();
    return [...words].slice(0, WORDS).map(([word, parts]) => ({ word, parts }));
  };

  // Everything that has a word beginning so, or just that word. The last ones are kept.
  const looked = new Map();
  const look = async (word, most = SHARDS) => {
    const key = word + ' '.repeat(most);
    if (looked.has(key)) return looked.get(key);
    const fits = one => (most ? one.startsWith(word) : one === word);
    let from = 0, to = index.begins.length;
    while (to - from > 1) {
      const middle = from + to >> 1;
      if (index.begins[middle] <= word) from = middle; else to = middle;
    }
    const wanted = [index.begins[from]];
    for (to = from + 1; to < index.begins.length && fits(index.begins[to]); to += 1) wanted.push(index.begins[to]);
    const few = wanted.slice(0, most || 1);
    await Promise.all(few.map(begins => shards.has(begins) || load('search/w/' + fileOf(begins))));
    const names = new Set(index.frequent.flatMap((name, i) => (fits(name) ? [i] : [])));
    const found = { word, hits: new Map(), cut: few.length < wanted.length, isFrequent: names.size > 0, everywhere: false, isNamed: has => has.some(name => names.has(name)) };
    for (const list of few.flatMap(begins => shards.get(begins)).filter(list => fits(list.word))) {
      found.cut ||= list.of > 0;
      found.everywhere ||= list.of >= index.quarter;
      const more = list.word === word ? 0 : BEGINS;
      for (let i = 0; i < list.ids.length; i += 1) {
        const cost = COST[list.tiers[i]] + more;
        const known = found.hits.get(list.ids[i]);
        if (!known) found.hits.set(list.ids[i], { cost, facts: list.facts[i], names: list.names[i] });
        else if (known.cost > cost) known.cost = cost;
      }
    }
    if (looked.size > 40) looked.clear();
    looked.set(key, found);
    return found;
  };
  // What was typed as one word with capitals inside is looked for as one and in its parts, of which all but the last are whole words:
  // `deleteUser` finds `delete_user`, and `GitHub` what says `github`. Both fit alike.
  const lookFor = async ({ word, parts }) => {
    const [one, ...apart] = await Promise.all([look(word), ...parts.map((part, i) => look(part, i < parts.length - 1 ? 0 : SHARDS_OF_PART))]);
    if (!parts.length) return one;
    const found = both(apart);
    const isLoose = found.loose.length > 0 && one.hits.size > 0;
    const hits = new Map(one.hits);
    for (const { id, cost, facts, names } of isLoose ? [] : found.results) {
      const each = cost / parts.length;
      if (!(hits.get(id)?.cost <= each)) hits.set(id, { cost: each, facts, names });
    }
    const isNamed = has => one.isNamed(has) || apart.every(part => part.isNamed(has));
    return { ...one, word: parts.join(' '), hits, cut: one.cut || found.cut, loose: isLoose ? [] : found.loose, isNamed };
  };
  const fileOf = begins => (/^[a-z0-9]*$/.test(begins)
    ? 't-' + begins
    : 'x-' + Array.from(new TextEncoder().encode(begins), byte => byte.toString(16).padStart(2, '0')).join('')) + '.js';

  // Whatever has all words, best first. Of a word whose list is cut it is not known who else has it. Where names decide, they are known;
  // a word that is everywhere leaves nothing out; any other finds what is listed. Where that is nothing, cut words only order.
  const both = (all, lenient) => {
    const whole = all.filter(one => !one.cut).sort((a, b) => a.hits.size - b.hits.size);
    const candidates = whole.length ? whole[0].hits : new Map(all.flatMap(one => [...one.hits]));
    const results = [], loose = new Set();
    let missed = false;
    for (const [id, { facts, names = [] }] of candidates) {
      let cost = 0;
      for (const one of all) {
        const hit = one.hits.get(id);
        if (hit) cost += hit.cost;
        else if (!one.cut) cost = NaN;
        else if (one.isNamed(names)) cost += COST[3];
        else if (lenient || one.everywhere && !one.isFrequent) { loose.add(one.word); cost += NOT_LOOKED_UP; } else { missed = true; cost = NaN; }
      }
      if (cost) results.push({ id, cost, facts, names });
    }
    if (!results.length && missed && !lenient) return both(all, true);
    results.sort(byCost);
    return { results, loose: [...loose], cut: missed || !whole.length };
  };
  const byCost = (a, b) => a.cost - b.cost || a.id - b.id;

  // Whatever has most of the words, where nothing has all.
  const some = all => {
    const found = [];
    let most = 0;
    for (const [id, { facts, names = [] }] of new Map(all.flatMap(one => [...one.hits]))) {
      const costs = all.map(one => one.hits.get(id)?.cost ?? (one.isNamed(names) ? COST[3] : 0)).filter(Boolean);
      most = Math.max(most, costs.length);
      found.push({ id, facts, words: costs.length, cost: costs.reduce((a, b) => a + b) });
    }
    return found.filter(one => one.words === most).sort(byCost);
  };

  // Where there is room, the filters stand open before anything is painted: nothing moves.
  const open = new MutationObserver(() => {
    const filters = document.querySelector('.filters');
    if (filters) { filters.open = matchMedia('(min-width: 62rem)').matches; open.disconnect(); }
  });
  open.observe(document, { childList: true, subtree: true });

  addEventListener('DOMContentLoaded', () => {
    const form = document.querySelector('form.seek');
    const [field, box, status, note, more] = ['q', 'found', 'count', 'cut', 'more'].map(id => document.getElementById(id));
    const sieves = ['class', 'risk', 'signal', 'registry'].map(name => {
      const boxes = [...form.querySelectorAll(`input[name=${name}]`)];
      for (const one of boxes) one.number = Number(one.dataset.number);
      return { name, boxes, chosen: () => boxes.filter(one => one.checked).map(one => one.number) };
    });
    const wordFor = (sieve, number) => sieves[sieve].boxes.find(one => one.number === number);
    let shown = FIRST, last = 0, active = -1, writing = false, stale = false, results = [], asked = [];

    // Servers have a registry and no verdict; patterns and terms have neither. A pattern with a class is a category of them.
    const groupOf = facts => facts.kind === 2 && facts.class ? 4 : facts.kind;
    const has = (facts, name, number) => {
      if (name === 'registry') return facts.registry === number && facts.kind < 2;
      if (facts.kind) return false;
      return name === 'signal' ? (facts.signals >> number & 1) === 1 : facts[name] === number;
    };
    const passes = (facts, chosen, without) => sieves.every(({ name }, i) => {
      const own = chosen[i];
      if (!own.length || i === without) return true;
      return name === 'signal' ? own.every(n => has(facts, name, n)) : own.some(n => has(facts, name, n));
    });

    const el = (name, kind, text) => {
      const it = document.createElement(name);
      if (kind) it.className = kind;
      it.append(...text);
      return it;
    };
    // The words that were looked for, marked where they begin a word.
    const marked = text => {
      const low = Array.from(text, c => { const small = plain(c).toLowerCase(); return small.length === c.length ? small : c; }).join('');
      const parts = [];
      let done = 0;
      for (let at = 0; at < text.length; at += 1) {
        const begins = !at || !/[\p{L}\p{N}]/u.test(text[at - 1]) || /\p{Lu}/u.test(text[at]) && /\p{Ll}/u.test(text[at - 1]);
        const word = begins && asked.filter(w => low.startsWith(w, at)).sort((a, b) => b.length - a.length)[0];
        if (!word) continue;
        parts.push(text.slice(done, at), el('mark', '', [text.slice(at, at + word.length)]));
        at += word.length - 1;
        done = at + 1;
      }
      return [...parts, text.slice(done)];
    };
    const plural = (count, word) => `${count.toLocaleString('en')} ${count === 1 ? word : word.replace(/y$/, 'ie') + 's'}`;
    const option = ({ id, facts }, number) => {
      const [block, slot] = [Math.floor(id / 4096), id % 4096];
      const [server, key, folder, rows] = blocks.get(block)[slot >> 4];
      const row = rows[slot & 15];
      const it = el('a', ['tool', 'server', 'attack', 'term'][facts.kind], []);
      it.id = 'hit-' + number;
      it.setAttribute('role', 'option');
      it.setAttribute('aria-selected', 'false');
      it.tabIndex = -1;
      if (facts.kind === 0) {
        const [effect, risk] = [wordFor(0, facts.class), wordFor(1, facts.risk)];
        // Its page, or, on a folded site, its place on its server's page.
        const page = row[2] ?? row[0];
        it.href = page.includes('#') ? `${folder}/${page}` : `${folder}/tools/${page}.html`;
        it.append(el('code', '', marked(row[0])), ' ', el('span', 'effect ' + effect.dataset.css, [effect.dataset.word]), ' ',
          el('span', 'risk ' + risk.dataset.css, [risk.dataset.word]), ' ',
          el('span', 'rest', [el('span', 'own', marked(row[1])), ' ', el('span', 'from', [el('span', 'own', marked(server)), `, ${wordFor(3, facts.registry)?.value ?? ''}`])]));
      } else if (facts.kind === 1) {
        const says = typeof row === 'number' ? plural(row, 'tool') : row === 'never-asked' ? 'never asked' : 'did not answer: ' + row;
        it.href = folder + '/index.html';
        it.append(el('span', 'own', marked(server)), ' ', el('span', 'rest', [el('code', 'key', [key]), ' ', el('span', 'from', [says])]));
      } else {
        it.href = row[2];
        it.append(el('span', '', marked(row[0])), ' ', el('span', 'rest', [row[1]]));
      }
      return it;
    };

    const options = () => [...box.querySelectorAll('[role=option]')];
    const activate = (to, moved) => {
      const all = options();
      // Below the first one nothing is chosen, unless a key led there from it.
      active = all.length && (to >= 0 || moved) ? (to + all.length) % all.length : -1;
      all.forEach((one, i) => one.setAttribute('aria-selected', i === active));
      if (active < 0) return field.removeAttribute('aria-activedescendant');
      field.setAttribute('aria-activedescendant', all[active].id);
      if (moved) all[active].scrollIntoView({ block: 'nearest' });
    };
    const empty = text => {
      box.replaceChildren();
      box.hidden = more.hidden = true;
      field.setAttribute('aria-expanded', 'false');
      note.textContent = '';
      status.textContent = text;
      activate(0);
    };

    const draw = async (turn, first) => {
      const chosen = sieves.map(sieve => sieve.chosen());
      const through = results.filter(({ facts }) => passes(facts, chosen, -1));
      sieves.forEach(({ name, boxes }, i) => {
        const others = name === 'signal' ? through : results.filter(({ facts }) => passes(facts, chosen, i));
        for (const one of boxes) one.parentElement.querySelector('.count').textContent = asked.length ? others.filter(({ facts }) => has(facts, name, one.number)).length.toLocaleString('en') : '';
      });
      if (!asked.length) return;
      const groups = [['Tools', 'tool', shown], ['Servers', 'server', FEW], ['Attack patterns', 'attack pattern', FEW], ['Glossary', 'term', FEW], ['Categories of attacks', 'attack category', FEW]]
        .map(([name, word, most], kind) => ({ name, word, most, all: through.filter(({ facts }) => groupOf(facts) === kind) })).filter(({ all }) => all.length);
      const counts = groups.map(({ all, word }) => plural(all.length, word)).join(', ');
      groups.sort((a, b) => a.all[0].cost - b.all[0].cost);
      const visible = groups.flatMap(({ all, most }) => all.slice(0, most));
      await Promise.all(visible.map(({ id }) => { const n = Math.floor(id / 4096); return blocks.has(n) || load(`search/b/${n}.js`); }));
      if (turn !== last) return;
      if (!groups.length) {
        const about = note.textContent;
        empty(results.length ? 'Nothing passes these filters.' : about ? 'Nothing that is listed has all these words.' : 'Nothing has these words.');
        note.textContent = about;
        return;
      }
      let number = 0;
      box.replaceChildren(...groups.map(({ name, all, most }, i) => {
        const group = el('div', '', []);
        const title = el('p', 'group', [name]);
        title.id = 'group-' + i;
        group.setAttribute('role', 'group');
        group.setAttribute('aria-labelledby', title.id);
        title.setAttribute('role', 'presentation');
        group.append(title, ...all.slice(0, most).map(one => option(one, number++)));
        return group;
      }));
      box.hidden = false;
      field.setAttribute('aria-expanded', 'true');
      status.textContent = counts;
      const tools = groups.find(({ word }) => word === 'tool');
      more.hidden = !tools || tools.all.length <= shown;
      activate(first);
    };

    const run = async (first = -1) => {
      const turn = ++last;
      const text = field.value.trim();
      try {
        if (!index) await load('search/index.js');
        // A server's key and an address, as pages show them.
        const words = wordsOf(text.replace(/^(?:npm|pypi|github|remote|local):(?=\S)/i, '').replace(/^https?:\/\//i, ''));
        const all = await Promise.all(words.map(lookFor));
        const found = both(all);
        if (turn !== last) return;
        asked = words.flatMap(({ word, parts }) => [word, ...parts]);
        results = asked.length ? found.results : [];
        if (!asked.length) empty(text ? 'Nothing to search for: letters or digits are needed.' : '');
        const fewer = !results.length && all.length > 1 ? some(all) : [];
        if (fewer.length) results = fewer;
        const loose = new Set([...found.loose, ...all.flatMap(one => one.loose ?? [])]);
        const names = [...loose].map(word => `“${word}”`).join(' and ');
        note.textContent = !asked.length ? '' : fewer.length ? 'Nothing that is listed has all these words. What has the most of them is shown.' : names
          ? `${names} ${loose.size > 1 ? 'are' : 'is'} in too many texts to narrow the list: what has the other words is shown as well.`
          : found.cut ? 'The list is cut: there are more than are counted here. Another word, or more letters, narrows it.' : '';
        await draw(turn, first);
        if (turn === last) stale = false;
      } catch {
        if (turn === last) empty('A part of the index cannot be loaded. Try again, or use the lists by name.');
      }
    };

    // The address holds words and filters, so that a search can be linked and gone back to.
    const write = add => {
      const state = new URLSearchParams([...new FormData(form)].filter(([, value]) => value.trim()));
      const to = location.pathname + (state.size ? '?' + state : '');
      if (to === location.pathname + location.search) return;
      try { history[add ? 'pushState' : 'replaceState'](null, '', to); } catch { /* this browser keeps files' addresses as they are */ }
    };
    const read = () => {
      const state = new URLSearchParams(location.search);
      field.value = state.get('q') ?? '';
      for (const { name, boxes } of sieves) {
        const chosen = state.getAll(name);
        for (const one of boxes) one.checked = chosen.includes(one.value);
      }
    };

    // Whoever stops for a while has made a search of his own to come back to.
    let timer, pause;
    const soon = () => {
      stale = true;
      clearTimeout(timer);
      clearTimeout(pause);
      pause = setTimeout(() => { writing = false; }, 1500);
      timer = setTimeout(() => {
        write(!writing && new URLSearchParams(location.search).get('q'));
        writing = true;
        shown = FIRST;
        run(0);
      }, 100);
    };
    field.addEventListener('input', soon);
    field.addEventListener('change', () => { writing = false; });
    field.addEventListener('keydown', event => {
      // What is still shown for other words than those typed is not opened.
      const open = !stale && options()[active];
      if (event.key === 'ArrowDown' && !box.hidden) activate(active + 1, true);
      else if (event.key === 'ArrowUp' && !box.hidden) activate(active < 0 ? -1 : active - 1, true);
      else if (event.key === 'Enter' && open) { writing = false; open.click(); } else if (event.key === 'Escape' && field.value) { field.value = ''; soon(); } else return;
      event.preventDefault();
    });
    form.addEventListener('change', event => {
      if (event.target === field) return;
      write(true);
      shown = FIRST;
      if (asked.length) draw(++last, -1).catch(() => empty('A part of the index cannot be loaded. Try again.'));
    });
    form.addEventListener('submit', event => {
      event.preventDefault();
      clearTimeout(timer);
      write(!writing);
      writing = false;
      run(0);
    });
    more.addEventListener('click', async () => {
      const from = shown;
      shown += MORE;
      await draw(++last, active).catch(() => { shown = from; });
      options()[from]?.scrollIntoView({ block: 'nearest' });
    });
    addEventListener('popstate', () => { read(); writing = false; shown = FIRST; run(); });
    read();
    if (field.value) run(); else { field.focus(); run(); }
  });
})();
