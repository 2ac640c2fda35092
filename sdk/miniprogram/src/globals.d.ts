// The one global besides `wx` that is used and that ES2017's library does not name. All hosts have it.
declare function setTimeout(work: () => void, milliseconds?: number): unknown;
