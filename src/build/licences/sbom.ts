/**
 * The software bill of materials, as CycloneDX 1.6: what a scanner compares with lists of known vulnerabilities. It
 * has no serial number and no date, so that the same sources give the same file.
 */
import manifest from '../../../package.json' with { type: 'json' };
import type { Runtime } from './node.ts';
import type { Package } from './packages.ts';

const schema = 'http://cyclonedx.org/schema/bom-1.6.schema.json';

/** @param node the Node that is shipped too, if it is. */
export function sbomOf(packages: readonly Package[], node?: Runtime): string {
  const root = nameOf(manifest.name, manifest.version);
  const components = [...packages.map(library), ...(node ? [platform(node)] : [])];
  const sbom = {
    $schema: schema,
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: {
        type: 'application',
        ...root,
        description: manifest.description,
        licenses: licencesOf(manifest.license),
        externalReferences: [{ type: 'website', url: manifest.homepage }],
      },
    },
    components,
    dependencies: [{ ref: root['bom-ref'], dependsOn: components.map((each) => each['bom-ref']) }],
  };
  return `${JSON.stringify(sbom, undefined, 2)}\n`;
}

function library({ name, version, licence, integrity }: Package) {
  const [algorithm = '', hash = ''] = integrity.split(/-(.*)/s);
  const content = Buffer.from(hash, 'base64').toString('hex');
  return {
    type: 'library',
    ...nameOf(name, version),
    licenses: licencesOf(licence),
    hashes: [{ alg: algorithm.replace(/^sha/, 'SHA-'), content }],
  };
}

function platform({ version, parts }: Runtime) {
  return {
    type: 'platform',
    'bom-ref': `node@${version}`,
    name: 'node',
    version,
    cpe: `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*`,
    purl: `pkg:generic/node@${version}`,
    licenses: licencesOf('MIT'),
    components: Object.entries(parts).map(([name, each]) => ({
      type: 'library',
      'bom-ref': `node@${version}/${name}`,
      name,
      version: each,
    })),
  };
}

/** The name of a package of npm, in the parts that CycloneDX asks for, and as a package URL. */
function nameOf(name: string, version: string) {
  const [short = '', group] = name.split('/').toReversed();
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
  return { 'bom-ref': purl, ...(group && { group }), name: short, version, purl };
}

function licencesOf(licence: string) {
  return [/ /.test(licence) ? { expression: licence } : { license: { id: licence } }];
}
