import { context, metrics, trace, type Attributes } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
  type MetricData,
} from "@opentelemetry/sdk-metrics";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
  type SpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { onTestFinished } from "vitest";

export interface Recorder {
  /** The spans that have ended, in the order of their ends. */
  readonly spans: () => ReadableSpan[];
  /** Reads the current value of an instrument. */
  readonly metric: (name: string) => Promise<MetricData | undefined>;
  /** All that was told, as one text. */
  readonly everything: () => Promise<string>;
}

/** Registers an SDK that keeps what it gets, until the test is over. */
export function record(processor?: SpanProcessor): Recorder {
  const spanExporter = new InMemorySpanExporter();
  const spanProcessors = [processor ?? new SimpleSpanProcessor(spanExporter)];
  const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter: metricExporter, exportIntervalMillis: 2 ** 31 - 1 });
  const meterProvider = new MeterProvider({ readers: [reader] });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors }));
  metrics.setGlobalMeterProvider(meterProvider);
  onTestFinished(async () => {
    for (const api of [context, trace, metrics]) api.disable();
    await meterProvider.shutdown();
  });
  const allMetrics = async (): Promise<MetricData[]> => {
    const { resourceMetrics } = await reader.collect();
    return resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
  };
  const spans = (): ReadableSpan[] => spanExporter.getFinishedSpans();
  return {
    spans,
    metric: async (name) => (await allMetrics()).find(({ descriptor }) => descriptor.name === name),
    everything: async () => {
      const told = spans().map(({ name, attributes, events, links, status }) => [
        name,
        attributes,
        events,
        links,
        status,
      ]);
      return JSON.stringify([told, await allMetrics()]);
    },
  };
}

/** The values of an instrument, each with the attributes that tell it apart. */
export function valuesOf(metric: MetricData | undefined): [Attributes, unknown][] {
  return (metric?.dataPoints ?? []).map(({ attributes, value }) => [attributes, value]);
}
