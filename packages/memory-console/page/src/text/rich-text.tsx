import { memo, type ReactNode } from "react";
import { blocksOf, inlinesOf, type Block } from "./markdown.ts";
import { slicesOf } from "./slices.ts";
import { visible } from "./visible.ts";

/** The longest text that is rendered as rich text. Longer text is usually data, not prose. */
const LONGEST_PROSE = 40_000;

/** A text as its author meant it. Whatever it says, it is text. */
export const RichText = memo(function RichText({ text }: { text: string }): ReactNode {
  if (text.length > LONGEST_PROSE) return <LongText text={text} />;
  return (
    <div className="prose">
      {blocksOf(text).map((block, index) => (
        <BlockView key={index} block={block} />
      ))}
    </div>
  );
});

function BlockView({ block }: { block: Block }): ReactNode {
  switch (block.type) {
    case "code":
      return <CodeBlock text={block.text} language={block.language} />;
    case "heading":
      return (
        <p className="heading" dir="auto">
          <InlineText text={block.text} />
        </p>
      );
    case "list":
      return (
        <ul className="items">
          {block.items.map((item, index) => (
            <li key={index} dir="auto">
              <span className="marker">{item.marker}</span>
              <span>
                <InlineText text={item.text} />
              </span>
            </li>
          ))}
        </ul>
      );
    case "table":
      return <TableView head={block.head} rows={block.rows} />;
    case "paragraph":
      return (
        <p dir="auto">
          <InlineText text={block.text} />
        </p>
      );
  }
}

function TableView({ head, rows }: Omit<Extract<Block, { type: "table" }>, "type">): ReactNode {
  return (
    <div className="table-scroller" tabIndex={0} role="region" aria-label="Table">
      <table>
        <thead>
          <tr>
            {head.map((cell, column) => (
              <th key={column} dir="auto" scope="col">
                <InlineText text={cell} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((cells, row) => (
            <tr key={row}>
              {cells.map((cell, column) => (
                <td key={column} dir="auto">
                  <InlineText text={cell} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function InlineText({ text }: { text: string }): ReactNode {
  return inlinesOf(text).map(({ type, text }, index) => {
    const shown = visible(text);
    if (type === "code") return <code key={index}>{shown}</code>;
    if (type === "strong") return <strong key={index}>{shown}</strong>;
    if (type === "emphasis") return <em key={index}>{shown}</em>;
    return shown;
  });
}

export function CodeBlock({ text, language = "" }: { text: string; language?: string }): ReactNode {
  return (
    <div className="code-block">
      {language === "" ? null : <span className="language">{visible(language)}</span>}
      <pre tabIndex={0} aria-label={language === "" ? "Code" : `Code, ${language}`}>
        <LongText text={text} />
      </pre>
    </div>
  );
}

/** Text of any length: in slices, of which the browser lays out those that are seen. */
function LongText({ text }: { text: string }): ReactNode {
  const slices = slicesOf(text);
  if (slices.length <= 1) return visible(text);
  return slices.map((slice, index) => (
    <div key={index} className="slice">
      {visible(slice)}
    </div>
  ));
}
