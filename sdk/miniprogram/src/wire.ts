// What Kaimen answers: docs/api.md, "Client API". Names are the server's.

export interface User {
  id: string;
  external_id?: string;
  registered: boolean;
  nickname: string;
  avatar_url: string;
  gender: 0 | 1 | 2;
  language: string;
  country: string;
  province: string;
  city: string;
  phone_number: string | null;
  roles: string[];
  attributes: Record<string, unknown>;
  created_at: string;
  /** Only where the app's `expose_openid` is set. */
  openid?: string;
}

export interface SessionTimes {
  id: string;
  created_at: string;
  idle_expires_at: string;
  absolute_expires_at: string;
}

export interface Warning {
  part: string;
  code: string;
  upstream?: { errcode: number; rid?: string };
}

export interface Login {
  token: string;
  token_type: string;
  expires_in: number;
  renew_token: string;
  session: SessionTimes;
  user: User;
  is_new_user: boolean;
  missing: string[];
  entry: Record<string, unknown> | null;
  warnings: Warning[];
}

export interface DeviceSession extends SessionTimes {
  app_id: string;
  env: string;
  current: boolean;
  last_renewed_at: string;
  entry?: string;
  device: { id?: string; model?: string; system?: string; platform?: string };
}

export interface ProfileChange {
  nickname?: string;
  avatar_url?: string;
  gender?: 0 | 1 | 2;
  language?: string;
  country?: string;
  province?: string;
  city?: string;
  attributes?: Record<string, unknown>;
}

/** What wx.getUserInfo and wx.getUserProfile give. */
export interface ProfileProof {
  rawData?: string;
  signature?: string;
  encryptedData?: string;
  iv?: string;
}

/** `event.detail` of a button with open-type getPhoneNumber or getRealtimePhoneNumber. */
export interface PhoneProof {
  code?: string;
  encryptedData?: string;
  iv?: string;
  errMsg?: string;
  errno?: number;
}

export interface Registration {
  policy: 'open' | 'fields' | 'invited' | 'closed';
  fields: string[];
  agreements: { name: string; version: string }[];
  registered: boolean;
  missing: string[];
}

export interface RegistrationAnswers {
  fields?: Record<string, string>;
  agreements?: { name: string; version: string }[];
  invitation?: string;
}
