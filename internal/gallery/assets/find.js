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

// place returns the page of a result, its card there, and the address of both.
function place(i) {
  const page = Math.floor(i / book.pageCards) + 1, card = `r${page}-${i % book.pageCards + 1}`;
  const file = page === 1 ? document.body.dataset.first : document.body.dataset.gallery + page + '.html';
  return { here: page === Number(document.body.dataset.number), card, address: `${file}#${card}` };
}

function link(i) {
  const a = document.createElement('a'), to = place(i);
  a.href = to.address;
  a.textContent = book.items[i][0];
  if (to.here) {
    a.addEventListener('click', (e) => {
      e.preventDefault();
      clearTools();
      document.getElementById(to.card).focus();
    });
  }
  return a;
}

function listHits(found, from) {
  const box = document.getElementById('hits'), list = box.querySelector('ol'), more = box.querySelector('button');
  if (from === 0) list.replaceChildren();
  for (const i of found.slice(from, from + HITS)) {
    const [, f, bits] = book.items[i];
    const li = document.createElement('li');
    li.append(link(i), ' ' + [book.families[f], ...book.flags.filter((_, k) => bits & 1 << k)].join(', '));
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
  document.getElementById('cards').hidden = on;
  document.querySelector('.pages').hidden = on;
  if (!on) { count.textContent = pageText; return; }
  const found = hits(w);
  count.textContent = found.length ? `${found.length} of ${book.items.length} results` : 'Nothing matches.';
  listHits(found, 0);
}
