import { memo, type ReactNode } from "react";
import { blocksOf, inlinesOf, type Block } from "./markdown.ts";
import { visible } from "./visible.ts";

/** Where text is longer, its form is not looked for: it is data more than prose. */
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
    case "paragraph":
      return (
        <p dir="auto">
          <InlineText text={block.text} />
        </p>
      );
  }
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

const SLICE = 16_000;

/** Text of any length: in slices, of which the browser lays out those that are seen. */
function LongText({ text }: { text: string }): ReactNode {
  if (text.length <= SLICE) return visible(text);
  return slicesOf(text).map((slice, index) => (
    <div key={index} className="slice">
      {visible(slice)}
    </div>
  ));
}

/** Cut at the ends of lines where there are any. */
function slicesOf(text: string): string[] {
  const slices: string[] = [];
  let start = 0;
  while (start < text.length) {
    const limit = start + SLICE;
    const lineEnd = limit >= text.length ? text.length : text.lastIndexOf("\n", limit);
    const end = lineEnd > start ? lineEnd : limit;
    slices.push(text.slice(start, end));
    start = text[end] === "\n" ? end + 1 : end;
  }
  return slices;
}
