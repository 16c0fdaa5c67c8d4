/**
 * Light, and dark for readers who prefer that. A picture in a page does not learn which of them the page has: so it has
 * a background of its own, on which its colours can be read in any case.
 */
export const STYLE = `
  text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #57606a }
  .paper { fill: #ffffff; stroke: #d0d7de }
  .title { font-size: 15px; font-weight: 600; fill: #1f2328 }
  .name { font-weight: 600; fill: #1f2328 }
  .small { font-size: 11px }
  .axis { stroke: #8c959f; stroke-opacity: .45; fill: none }
  .track { fill: #8c959f; fill-opacity: .16 }
  .label { font-size: 11px; font-weight: 600; fill: #ffffff }
  .mark { font-size: 10px; font-weight: 600; fill: #ffffff }
  .moment { stroke: #1a7f37; stroke-width: 1.5; stroke-dasharray: 4 3 }
  .moment-label { font-size: 11px; font-weight: 600; fill: #1a7f37 }
  .gone { fill: #cf222e }
  .silent { fill: #8250df }
  .slow { fill: #bf8700 }
  .returning { fill: #9a6700 }
  .writer { fill: #6e7781 }
  .acknowledged { fill: #1f883d }
  .local { fill: #0969da }
  .gap { fill: #cf222e; fill-opacity: .2 }
  .converging { fill: #1f883d; fill-opacity: .11 }
  @media (prefers-color-scheme: dark) {
    text { fill: #9198a1 }
    .paper { fill: #0d1117; stroke: #3d444d }
    .title, .name { fill: #f0f6fc }
    .label, .mark { fill: #ffffff }
    .moment { stroke: #56d364 }
    .moment-label { fill: #56d364 }
    .gap { fill: #f85149; fill-opacity: .3 }
    .converging { fill: #3fb950; fill-opacity: .15 }
  }`;
