#!/usr/bin/env node
/** miner-conformance BUNDLE...: does this reader predict what each bundle states? Exit code 1 if not. */
import { readFileSync } from "node:fs";
import { BundleError, readBundle } from "./bundle.js";
import { Model } from "./predictor.js";
import { failures, predicted } from "./vectors.js";
for (const file of process.argv.slice(2)) {
    try {
        const bundle = readBundle(readFileSync(file));
        const model = new Model(bundle);
        const failed = failures(model, bundle.vectors);
        const found = failed.map((number) => predicted(model, bundle.vectors[number]));
        console.log(JSON.stringify({ vectors: bundle.vectors.length, failed, found }));
        if (failed.length > 0)
            process.exitCode = 1;
    }
    catch (error) {
        if (!(error instanceof BundleError))
            throw error;
        console.log(JSON.stringify({ refused: error.code }));
        process.exitCode = 1;
    }
}
