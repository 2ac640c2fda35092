export { createKaimen, type Kaimen, type Options } from './kaimen';
export { errorCodes, reasons, KaimenError, type ClientCode, type ErrorCode, type ErrorParts, type Reason } from './errors';
export type { Answer, EnterOptions, Failure, Host, SocketTask } from './host';
export type { LoginParts } from './login';
export type {
  DownloadAnswer, DownloadOptions, RequestAnswer, RequestOptions, SocketOptions, Task, UploadAnswer, UploadOptions,
} from './requests';
export type { Change, Session } from './state';
export type {
  DeviceSession, PhoneProof, ProfileChange, ProfileProof, Registration, RegistrationAnswers, SessionTimes, User, Warning,
} from './wire';
