// Copy buttons. Every page works without this: the text can be selected, the buttons are hidden until the script shows them.
'use strict';
for (const button of document.querySelectorAll('.copy')) {
  const code = button.parentElement.querySelector('code');
  if (!code) continue;
  button.hidden = false;
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = 'Copied';
    } catch {
      // No clipboard here (a file, an old browser, no permission): select it, so that one key copies it.
      getSelection().selectAllChildren(code);
      button.textContent = 'Selected';
    }
    setTimeout(() => { button.textContent = 'Copy'; }, 2000);
  });
}
