#!/usr/bin/env node
/** miner-conformance BUNDLE...: does this reader predict what each bundle states? Exit code 1 if not. */
export {};
