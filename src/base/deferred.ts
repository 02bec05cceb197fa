// A promise whose outcome is decided elsewhere. Control plane only: the data plane makes no promises.

export class Deferred<T> {
  readonly promise: Promise<T>;
  #resolve: (value: T) => void = () => {};
  #reject: (reason: Error) => void = () => {};
  #isSettled = false;

  constructor() {
    this.promise = new Promise<T>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** The first outcome counts; later ones are ignored. */
  resolve(value: T): void {
    this.#isSettled = true;
    this.#resolve(value);
  }

  reject(reason: Error): void {
    this.#isSettled = true;
    this.#reject(reason);
  }
}
