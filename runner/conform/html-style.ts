/** The style of the page: light and dark, one grid for all rows, no script. */

export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #fbfbfa; --text: #1c1d1f; --soft: #5d6168; --line: #dfe0e2; --panel: #f1f1ef; --link: #1a56b0;
  --conforms: #d9eedd; --conforms-text: #17552a;
  --in-part: #fbe9b0; --in-part-text: #664700;
  --differs: #fbd3b4; --differs-text: #7a2e00;
  --hangs: #6d4ea8; --hangs-text: #fff;
  --crashes: #b3222e; --crashes-text: #fff;
  --error: #1c1d1f; --error-text: #fff;
  --plain: #e7e8ea; --plain-text: #4c5057;
  --minus: #9c1f2b; --plus: #17602d;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #17181a; --text: #e7e7e5; --soft: #a0a4ab; --line: #35373b; --panel: #212326; --link: #8ab4f8;
    --conforms: #1e4029; --conforms-text: #b6e6c3;
    --in-part: #564311; --in-part-text: #ffe39a;
    --differs: #66330f; --differs-text: #ffd2ae;
    --hangs: #7d5fc0; --hangs-text: #fff;
    --crashes: #c93540; --crashes-text: #fff;
    --error: #e7e7e5; --error-text: #17181a;
    --plain: #2d2f33; --plain-text: #b4b8bf;
    --minus: #ff9a9f; --plus: #8fdca5;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 110rem; background: var(--page); color: var(--text);
  font: 15px/1.45 system-ui, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .3rem; }
h2 { font-size: 1.05rem; margin: 1.4rem 0 .3rem; }
p { margin: .3rem 0; max-width: 75ch; }
a { color: var(--link); }
code, pre { font: 12.5px/1.45 ui-monospace, 'DejaVu Sans Mono', 'Liberation Mono', monospace; }
.soft { color: var(--soft); }
.conforms { background: var(--conforms); color: var(--conforms-text); }
.in-part { background: var(--in-part); color: var(--in-part-text); }
.differs { background: var(--differs); color: var(--differs-text); }
.hangs { background: var(--hangs); color: var(--hangs-text); }
.crashes { background: var(--crashes); color: var(--crashes-text); }
.error { background: var(--error); color: var(--error-text); }
.not-applicable, .by-test { background: var(--plain); color: var(--plain-text); }
.totals { display: grid; gap: 1rem 2rem; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)); margin: 1rem 0; }
.totals h2 { margin: 0 0 .4rem; }
.total { display: grid; grid-template-columns: 7rem minmax(0, 1fr) auto; gap: .7rem; align-items: center; margin: .25rem 0; }
.total b { font-weight: 600; }
.total span:last-child { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.bar { display: flex; height: 1.25rem; border-radius: 4px; overflow: hidden; background: var(--panel); }
.bar i { font: 600 11px/1.25rem system-ui, sans-serif; text-align: center; min-width: 1.35rem; }
.legend { display: flex; flex-wrap: wrap; gap: .35rem 1.4rem; margin: .9rem 0; font-size: 13.5px; }
.legend > span { display: inline-flex; align-items: center; gap: .45rem; white-space: nowrap; }
.cell { display: block; border-radius: 4px; padding: .1rem .2rem; text-align: center; font-size: 13px;
  white-space: nowrap; overflow: hidden; border: 1px solid transparent; }
.cell.unseen { border: 1px dashed var(--soft); color: var(--soft); }
.cell.silent { color: var(--soft); }
.bar .unseen { color: var(--soft); }
.legend .cell { min-width: 4.2rem; }
.show { border: 0; padding: 0; margin: .8rem 0; display: flex; gap: 1.2rem; flex-wrap: wrap; }
.show legend { float: left; margin-right: 1rem; padding: 0; }
.table { overflow-x: auto; }
.wide { min-width: calc(30rem + var(--columns) * 5.9rem); }
.grid { display: grid; gap: 0 .3rem; align-items: center;
  grid-template-columns: 5.4rem minmax(20rem, 1fr) repeat(var(--columns), 5.6rem); }
.head { position: sticky; top: 0; z-index: 1; background: var(--page); border-bottom: 2px solid var(--line);
  padding: .4rem .3rem; font-size: 13px; text-align: center; align-items: end; }
.head span { line-height: 1.25; }
.head b { display: block; font-weight: 600; }
.head .group { font-weight: 600; padding-bottom: .2rem; }
details.row { border-bottom: 1px solid var(--line); }
details.row > summary { padding: .22rem .3rem; cursor: pointer; list-style: none; }
details.row > summary::-webkit-details-marker { display: none; }
details.row > summary:hover, details.row[open] > summary { background: var(--panel); }
summary:focus-visible, a:focus-visible, input:focus-visible { outline: 2px solid var(--link); outline-offset: 1px; }
.id { font-weight: 600; white-space: nowrap; }
.id::before { content: '\\25B8'; display: inline-block; width: 1em; color: var(--soft); }
details[open] > summary .id::before { content: '\\25BE'; }
.may .id, .should .id { font-weight: 400; }
.body { padding: .3rem .3rem 1rem; }
.body .grid { padding: .1rem 0; font-size: 13.5px; }
.body .cell { background: none; color: var(--soft); font-size: 12.5px; }
.body .cell.differs { color: var(--differs-text); background: var(--differs); }
.body .cell.crashes { color: var(--crashes-text); background: var(--crashes); }
.body .cell.hangs { color: var(--hangs-text); background: var(--hangs); }
.why { margin: .7rem 0 0 5.6rem; padding: .1rem 0 .1rem .8rem; border-left: 3px solid var(--line); max-width: 80rem; }
.why h3 { font-size: 14px; margin: 0 0 .2rem; }
.why h3 .cell { display: inline-block; padding: 0 .5rem; margin-right: .4rem; font-weight: 400; }
.why h3 .cell.conforms { background: var(--conforms); color: var(--conforms-text); }
.why h3 .cell.in-part { background: var(--in-part); color: var(--in-part-text); }
.why ul { margin: .2rem 0; padding-left: 1.1rem; }
.why li { margin: .25rem 0; }
pre { margin: .25rem 0; padding: .4rem .6rem; background: var(--panel); border-radius: 4px; overflow-x: auto; }
.why details summary { cursor: pointer; color: var(--soft); font-size: 13.5px; }
del, ins { text-decoration: none; }
del { color: var(--minus); }
ins { color: var(--plus); }
table { border-collapse: collapse; font-size: 13.5px; }
td, th { text-align: left; vertical-align: top; padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--line); }
body:has(#show-differences:checked) .even { display: none; }
body:has(#show-ends:checked) .row:not(.ends) { display: none; }
body:has(#show-holes:checked) .row:not(.hole) { display: none; }
body:has(#show-differences:checked) section.matrix:not(:has(.row:not(.even))),
body:has(#show-ends:checked) section.matrix:not(:has(.ends)),
body:has(#show-holes:checked) section.matrix:not(:has(.hole)) { display: none; }
@media (max-width: 46rem) {
  body { padding: .8rem; }
  .total { grid-template-columns: 5.6rem minmax(0, 1fr) auto; gap: .4rem; font-size: 13px; }
  .legend > span { white-space: normal; }
  .table { overflow-x: visible; }
  .wide { min-width: 0; }
  .grid { grid-template-columns: repeat(var(--columns), minmax(0, 1fr)); gap: .15rem; }
  .grid:not(.head) > :nth-child(-n + 2) { grid-column: 1 / -1; }
  .grid > :first-child:empty, .head > span:empty { display: none; }
  .head { font-size: 10.5px; padding: .3rem 0; }
  body .wide .grid > .cell { margin-left: 0; padding: .1rem 0; font-size: 10.5px; white-space: normal; }
  .why { margin-left: 0; }
}
@media print { .show { display: none; } .head { position: static; } .bar i, .cell { print-color-adjust: exact; } }
`
