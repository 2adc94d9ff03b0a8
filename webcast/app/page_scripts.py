"""What the app's own pieces of HTML do in the browser; each script runs once, where `element` is the piece.

`trigger` tells the app, `upload` sends a file to it, and `watch` waits for it: Gradio's words (gr.HTML).
"""

import json

from webcast.photos import PICTURE_SUFFIXES
from webcast.unpack import MAX_PHOTOS

# A page was opened; WORDS are its own in each language. Gradio translates what it shows, but neither the
# links of the bar nor the document's language and title, nor what it says of a file that it does not send. As
# an error's title it shows "Error" whatever the server says (6.31), and pictures and downloads have no name.
OPEN = """
() => {
  const lang = navigator.language.startsWith('ko') ? 'ko' : 'en', words = WORDS[lang];
  document.documentElement.lang = lang;
  document.title = words.title;
  const mended = [
    [/^Invalid file types?: (.*)\\. Only/s, words.wrong_kind],
    [/^File.*exceed.*?"(.*)"/s, words.too_large],
  ];
  const mend = () => {
    for (const title of document.querySelectorAll('.toast-title'))
      if (title.innerText.trim() === 'Error') title.textContent = words.failed;
    for (const text of document.querySelectorAll('.toast-message-text'))
      for (const [said, told] of mended) {
        const found = text.textContent.match(said);
        if (found) text.textContent = told.replace('{file}', () => found[1]);
      }
    for (const [where, name] of Object.entries(words.names))
      for (const it of document.querySelectorAll(where))
        if (!it.getAttribute('alt') && !it.getAttribute('aria-label'))
          it.setAttribute(it.tagName === 'IMG' ? 'alt' : 'aria-label', name);
  };
  new MutationObserver(mend).observe(document.body, {childList: true, subtree: true});
  return [words.links];
}
"""

# An example page was clicked: its index.
EXAMPLE = """
element.addEventListener('click', event => {
  const example = event.target.closest('[data-example]');
  if (example) trigger('select', {index: Number(example.dataset.example), value: null});
});
"""

# A face on a page was clicked: its index.
CHOOSE = """
element.addEventListener('click', event => {
  const face = event.target.closest('[data-face]');
  if (!face) return;
  for (const other of element.querySelectorAll('[data-face]'))
    other.setAttribute('aria-pressed', other === face);
  trigger('select', {index: Number(face.dataset.face), value: null});
});
"""

# The result came: mark the faces on the pages that it is of, and on a phone, where it lies below, go there.
CHOSEN = """
const show = () => {
  const told = element.querySelector('[data-chosen]');
  if (!told) return;
  const chosen = JSON.parse(told.dataset.chosen);
  for (const face of document.querySelectorAll('#faces [data-face]'))
    face.setAttribute('aria-pressed', chosen.includes(Number(face.dataset.face)));
  const result = document.querySelector('#result');
  if (result.getBoundingClientRect().top > innerHeight / 2) result.scrollIntoView({behavior: 'smooth'});
};
watch('value', show);
show();
"""

# A folder was chosen: its pictures, sent one by one, with their names inside it.
FOLDER = """
element.addEventListener('change', async event => {
  const files = [], photos = [...event.target.files].filter(
    file => file.name === 'people.csv' || SUFFIXES.some(end => file.name.toLowerCase().endsWith(end)));
  event.target.value = '';
  for (const file of photos.slice(0, MAX_PHOTOS + 1)) {
    const sent = await upload(file);
    files.push({path: sent.path, name: file.webkitRelativePath});
  }
  trigger('upload', {files});
});
""".replace("MAX_PHOTOS", str(MAX_PHOTOS)).replace("SUFFIXES", json.dumps(sorted(PICTURE_SUFFIXES)))

# Something about a character was put right: an edit as `edits.apply` takes it.
EDIT = """
const send = (about, more) => trigger('edit', {...about, ...more});
const ticked = within => [...within.querySelectorAll('[data-face][aria-pressed=true]')]
  .map(it => Number(it.dataset.face));
element.addEventListener('click', event => {
  const it = event.target.closest('button');
  if (!it) return;
  const card = it.closest('[data-id]'), id = card?.dataset.id, what = it.dataset.do;
  if (!what) it.setAttribute('aria-pressed', it.getAttribute('aria-pressed') !== 'true');
  else if (what === 'merge') send({do: what, ids: [...element.querySelectorAll('[data-tick]:checked')]
    .map(tick => tick.closest('[data-id]').dataset.id)});
  else if (what === 'split') send({do: what, id, faces: ticked(card)});
  else if (what === 'leave_out') send({do: what, faces: ticked(card)});
  else if (what === 'bring_back') send({do: what, face: Number(it.dataset.face)});
  else send({do: what, id});
});
element.addEventListener('change', event => {
  const it = event.target, id = it.closest('[data-id]')?.dataset.id;
  if (it.dataset.do === 'rename') send({do: 'rename', id, name: it.value});
  if (it.dataset.do === 'gender') send({do: 'gender', id, gender: it.value});
});
"""

# A person is to be left out, or a character of the cast to be explained.
CAST = """
element.addEventListener('click', event => {
  const it = event.target.closest('[data-do]');
  if (it?.dataset.do === 'without') trigger('edit', {person: it.dataset.person});
  if (it?.dataset.do === 'why') trigger('select', {id: it.dataset.id});
});
"""

# Somebody of the gallery is shown, below the others.
PERSON = (
    CAST
    + """
watch('value', () => {
  element.querySelector('article')?.scrollIntoView({behavior: 'smooth', block: 'nearest'});
});
"""
)

# The explanation came: show it.
WHY = """
watch('value', () => {
  const title = element.querySelector('h2');
  if (title) { title.scrollIntoView({behavior: 'smooth'}); title.focus({preventScroll: true}); }
});
"""
