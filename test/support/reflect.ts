/**
 * The three functions of `reflect-metadata` that @peculiar/x509 needs to load (its tsyringe asks for
 * them and uses none, since nothing of ours is injected). To be imported before it.
 */
Object.assign(Reflect, {
  getMetadata: () => undefined,
  getOwnMetadata: () => undefined,
  defineMetadata: () => {},
});
