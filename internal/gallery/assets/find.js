// Search over all pages: a script beside them names every result.

const HITS = 200; // shown at a time
let book = null;

window.mortonFind = (all) => { book = all; findEverywhere(); };

function loadBook() {
  if (document.getElementById('book')) return;
  const s = document.createElement('script');
  s.id = 'book';
  s.src = document.body.dataset.gallery + 'find.js';
  s.onerror = () => { document.getElementById('count').textContent = 'The list of all results was not found beside the page.'; };
  document.head.append(s);
}

// hits returns the indices of the results that are wanted.
function hits(w) {
  const family = book.families.indexOf(w.family), flag = w.flag ? 1 << book.flags.indexOf(w.flag) : 0;
  const out = [];
  book.items.forEach(([id, f, bits], i) => {
    if ((!w.family || f === family) && (!flag || bits & flag) && id.toLowerCase().includes(w.text)) out.push(i);
  });
  return out;
}

// addressOf returns the address of a result's card.
function addressOf(i) {
  const page = Math.floor(i / book.pageCards) + 1;
  const file = page === 1 ? document.body.dataset.first : document.body.dataset.gallery + page + '.html';
  return `${file}#r${page}-${i % book.pageCards + 1}`;
}

function listHits(found, from) {
  const box = document.getElementById('hits'), list = box.querySelector('ol'), more = box.querySelector('button');
  if (from === 0) list.replaceChildren();
  for (const i of found.slice(from, from + HITS)) {
    const [id, f, bits] = book.items[i];
    const li = document.createElement('li'), a = document.createElement('a');
    a.href = addressOf(i);
    a.textContent = id;
    li.append(a, ' ' + [book.families[f], ...book.flags.filter((_, k) => bits & 1 << k)].join(', '));
    list.append(li);
  }
  const next = from + HITS;
  more.hidden = next >= found.length;
  more.onclick = () => {
    listHits(found, next);
    list.children[next].querySelector('a').focus();
  };
}

let pageText = null;

// findEverywhere shows links to what is wanted in place of the cards.
function findEverywhere() {
  const w = wanted(), on = Boolean(w.family || w.flag || w.text), count = document.getElementById('count');
  if (pageText === null) pageText = count.textContent;
  if (on && !book) { loadBook(); return; }
  document.getElementById('hits').hidden = !on;
  document.getElementById('results').hidden = on;
  document.querySelector('.pages').hidden = on;
  if (!on) { count.textContent = pageText; return; }
  const found = hits(w);
  count.textContent = found.length ? `${found.length} of ${book.items.length} results` : 'Nothing matches.';
  listHits(found, 0);
}
