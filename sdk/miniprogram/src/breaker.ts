// Growing pauses. Two failures are free; then the next try waits 1 s, 2 s, 4 s … a minute, or longer where the server says so.

const free = 2;
const longest = 60000;

export class Breaker {
  private failures = 0;
  private openUntil = 0;
  private told = false;

  /** Seconds to wait still; 0: go on. A clock that was set back does not lengthen a pause. */
  wait(now: number): number {
    const left = this.openUntil - now;
    return left > 0 ? Math.ceil(Math.min(left, longest * 60) / 1000) : 0;
  }

  failed(now: number, retryAfter = 0): void {
    this.failures += 1;
    const pause = this.failures > free ? Math.min(1000 * Math.pow(2, this.failures - free - 1), longest) : 0;
    this.openUntil = now + Math.max(pause, retryAfter * 1000);
    this.told = false;
  }

  /** True once a pause. */
  get isNews(): boolean {
    const news = !this.told;
    this.told = true;
    return news;
  }

  worked(): void {
    this.failures = 0;
    this.openUntil = 0;
  }
}
