// One at a time: whoever comes while it runs gets the same promise.
export class Single<T> {
  going: Promise<T> | undefined;

  run(work: () => Promise<T>): Promise<T> {
    if (this.going) return this.going;
    let settle!: (result: Promise<T>) => void;
    const mine = (this.going = new Promise<T>((resolve) => (settle = resolve)));
    const end = () => {
      if (this.going === mine) this.going = undefined;
    };
    mine.then(end, end);
    settle(work());
    return mine;
  }

  /** The next one begins anew; this one goes on for those who wait for it. */
  forget(): void {
    this.going = undefined;
  }
}
