// Theme, copy buttons, tabs, tools in full. Loaded in the head without defer, so that the first paint is right already. Every page works without it:
// texts can be selected, tabs are links to sections that stand one below the other.
'use strict';
(() => {
  const root = document.documentElement;
  const all = (what, where = document) => [...where.querySelectorAll(what)];
  const load = key => { try { return localStorage.getItem(key); } catch { return null; } };
  const save = (key, value) => { try { localStorage.setItem(key, value); } catch { /* nothing is kept here */ } };
  const button = (text, kind) => Object.assign(document.createElement('button'), { type: 'button', textContent: text, className: kind });
  root.classList.add('js');
  // What is kept there can be anything: another page of this host may have written it.
  if (['light', 'dark'].includes(load('theme'))) root.dataset.theme = load('theme');

  const theme = () => {
    const place = document.querySelector('.masthead .sheet');
    if (!place) return;
    const isDark = () => (root.dataset.theme || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')) === 'dark';
    const toggle = button('', 'toggle');
    const name = () => { toggle.textContent = isDark() ? 'Light' : 'Dark'; toggle.setAttribute('aria-label', isDark() ? 'Light colours' : 'Dark colours'); };
    toggle.onclick = () => { save('theme', root.dataset.theme = isDark() ? 'light' : 'dark'); name(); };
    name();
    place.append(toggle);
  };

  // One listener for every copy button, those of other scripts too. What was done is said where screen readers hear it.
  const copy = () => {
    const said = Object.assign(document.createElement('p'), { className: 'said' });
    said.setAttribute('role', 'status');
    document.body.append(said);
    let timer;
    addEventListener('click', async ({ target }) => {
      const it = target.closest('button.copy');
      const code = it && it.parentElement.querySelector('code');
      if (!code) return;
      const tell = (word, more) => { it.textContent = word; said.textContent = word + more; };
      try { await navigator.clipboard.writeText(code.textContent); tell('Copied', ''); }
      // No clipboard here (a file, an old browser, no permission): select it, so that one key copies it.
      catch { getSelection().selectAllChildren(code); tell('Selected', ', not copied'); }
      setTimeout(() => { it.textContent = 'Copy'; }, 2000);
      clearTimeout(timer);
      timer = setTimeout(() => { said.textContent = ''; }, 2000);
    });
    all('pre:not(.part) > code').forEach(code => {
      // A long one scrolls inside a tab: the keyboard must reach it.
      if (code.closest('.rule')) code.parentElement.tabIndex = 0;
      const box = Object.assign(document.createElement('div'), { className: 'code' });
      code.parentElement.replaceWith(box);
      box.append(code.parentElement, button('Copy', 'copy'));
    });
  };

  const tabs = () => all('.rules').forEach(box => {
    const bar = box.querySelector('.tabs');
    const links = bar ? all('a', bar) : [];
    if (!links.length) return;
    const panel = link => document.getElementById(link.hash.slice(1));
    const format = link => link.hash.replace(/^#[a-z]+-/, '');
    const show = (link, chosen) => {
      for (const other of links) {
        const on = other === link;
        other.setAttribute('aria-selected', on);
        other.tabIndex = on ? 0 : -1;
        panel(other).classList.toggle('on', on);
      }
      if (chosen) { link.focus(); save('format', format(link)); }
    };
    bar.setAttribute('role', 'tablist');
    bar.setAttribute('aria-label', 'Format');
    links.forEach((link, i) => {
      link.parentElement.setAttribute('role', 'presentation');
      link.setAttribute('role', 'tab');
      link.id = 'tab' + link.hash.slice(1);
      link.setAttribute('aria-controls', link.hash.slice(1));
      panel(link).setAttribute('role', 'tabpanel');
      panel(link).setAttribute('aria-labelledby', link.id);
      link.onclick = event => { event.preventDefault(); show(link, true); };
      link.onkeydown = event => {
        const to = { ArrowRight: i + 1, ArrowLeft: i - 1 + links.length, Home: 0, End: links.length - 1 }[event.key];
        if (to !== undefined) { event.preventDefault(); show(links[to % links.length], true); }
        if (event.key === ' ') { event.preventDefault(); show(link, true); }
      };
    });
    const wanted = () => links.find(link => link.hash === location.hash);
    show(wanted() || links.find(link => format(link) === load('format')) || links[0]);
    addEventListener('hashchange', () => { if (wanted()) show(wanted()); });

    const parts = all('[data-tier]', box);
    if (!parts.length) return;
    const choice = document.createElement('div');
    choice.className = 'tiers';
    choice.setAttribute('role', 'group');
    choice.setAttribute('aria-label', 'Tier');
    const tier = wish => {
      for (const it of choice.children) it.setAttribute('aria-pressed', it.value === wish);
      for (const part of parts) part.classList.toggle('on', part.dataset.tier.split(' ').includes(wish));
    };
    for (const word of ['Strict', 'Recommended', 'Permissive']) {
      const it = button(word, '');
      it.value = word.toLowerCase();
      it.onclick = () => { tier(it.value); save('tier', it.value); };
      choice.append(it);
    }
    bar.after(choice);
    tier(all('button', choice).some(it => it.value === load('tier')) ? load('tier') : 'recommended');
  });

  // A tool that stands on its server's page is open where a link leads to it.
  const unfold = () => {
    const place = location.hash.startsWith('#tool-') && document.getElementById(location.hash.slice(1));
    const more = place && place.matches('.tools > li') && place.querySelector('details');
    if (more) more.open = true;
  };
  addEventListener('hashchange', unfold);

  // The one key of the whole site: to the search field, wherever one is.
  addEventListener('keydown', event => {
    if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest('input:not([type=checkbox]), textarea, select, [contenteditable]')) return;
    const field = document.querySelector('[role=search] [name=q]');
    if (field) { event.preventDefault(); field.focus(); field.select(); }
  });

  addEventListener('DOMContentLoaded', () => { theme(); copy(); tabs(); unfold(); });
})();
