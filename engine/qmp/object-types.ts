/** Every type of object that clients can create. Adding one means one file and one line here. */
import { throttleGroupType } from '../drivers/throttle/object.ts'
import { iothreadType } from './object-kinds/iothread.ts'
import { secretType } from './object-kinds/secret.ts'
import type { ObjectType } from './objects.ts'

export const OBJECT_TYPES: readonly ObjectType[] = [iothreadType, secretType, throttleGroupType]
