/** Every type of object that clients can create. Adding one means one file and one line here. */
import type { Services } from '../block/driver.ts'
import type { ObjectType } from './objects.ts'

export const OBJECT_TYPES: readonly ((services: Services) => ObjectType)[] = []
