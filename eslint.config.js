/** Lint: every strict and stylistic rule that knows types, and the project's own bans. */
import js from '@eslint/js'
import tseslint from 'typescript-eslint'
import prettier from 'eslint-config-prettier'

/** The outside world comes in through `host`, so that a run can be replayed. */
const OUTSIDE_WORLD = [
  {
    selector: "MemberExpression[object.name='Date'][property.name='now']",
    message: 'Time comes from host.clock.',
  },
  { selector: "NewExpression[callee.name='Date']", message: 'Time comes from host.clock.' },
  {
    selector: "MemberExpression[object.name='Math'][property.name='random']",
    message: 'Randomness comes from host.random.',
  },
  {
    selector: 'CallExpression[callee.name=/^set(Timeout|Interval|Immediate)$/]',
    message: 'Timers come from host.clock.',
  },
]

/** A drained section that is not bound to a variable ends before it protects anything. */
const UNBOUND_DRAIN = {
  selector:
    "ExpressionStatement > AwaitExpression > CallExpression[callee.property.name='drained']",
  message: 'Bind the drained section: `await using _quiesced = await node.drained()`.',
}

export default tseslint.config(
  { ignores: ['dist/**', 'coverage/**', 'node_modules/**', 'dsl/grammar/*.generated.*'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      'no-restricted-syntax': ['error', UNBOUND_DRAIN],
      'no-console': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_' },
      ],
      '@typescript-eslint/consistent-type-definitions': 'off',
      // Interfaces that may answer at once or later are implemented by async functions too.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['engine/**/*.ts'],
    ignores: ['engine/host/**', 'engine/tools/**', 'engine/**/*.test.ts'],
    rules: { 'no-restricted-syntax': ['error', UNBOUND_DRAIN, ...OUTSIDE_WORLD] },
  },
  {
    files: ['engine/tools/**', 'runner/**', 'bench/**', '.ci/**', 'dsl/grammar/**'],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['**/*.test.ts'],
    rules: {
      '@typescript-eslint/no-floating-promises': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
    },
  },
  {
    files: ['**/*.{js,mjs,cjs}'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        module: 'writable',
        setInterval: 'readonly',
        setTimeout: 'readonly',
      },
    },
  },
  prettier,
)
