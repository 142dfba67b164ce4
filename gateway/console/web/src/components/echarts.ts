// Only the parts of ECharts the console draws with; loaded when first drawn.
import { BarChart, LineChart } from "echarts/charts";
import { GridComponent, TooltipComponent } from "echarts/components";
import { init, use as register } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

register([LineChart, BarChart, GridComponent, TooltipComponent, CanvasRenderer]);
export { init };
