/**
 * What crosses between the main thread and the worker threads: every task by
 * name with its input, its answer and what it reports meanwhile. Only plain
 * data that can be cloned.
 */

/**
 * How distances become costs: as they are; to the nearest whole number; or cut
 * after one decimal.
 */
export type Rounding = 'none' | 'integer' | 'decimal';
