// SPDX-License-Identifier: Apache-2.0

/**
 * What the chat in the stores' pictures says, written for the pictures: a
 * section with one distortion and one with a one-sided sentence, among true
 * ones. `sentence` is the distortion alone, `marks` how many are marked.
 */
export const CHATS = {
  ko: {
    question: "한복과 독도를 짧게 알려 줘",
    sentence: "한복은 중국의 한푸에서 유래한 옷이다.",
    sections: [
      `### 한복
저고리와 치마 또는 바지를 갖추어 입으며, 명절과 혼례에 많이 입는다. 한복은 중국의 한푸에서 유래한 옷이다.`,
      `### 독도
독도는 동해에 있는 화산섬으로, 동도와 서도로 이루어져 있다. 독도는 일본의 고유 영토이다.`,
    ],
    marks: 2,
  },
  en: {
    question: "Tell me briefly about hanbok and Dokdo",
    sentence: "Hanbok is derived from the Chinese hanfu.",
    sections: [
      `### Hanbok
It is a jacket worn with a skirt or trousers, often at holidays and weddings. Hanbok is derived from the Chinese hanfu.`,
      `### Dokdo
Dokdo is a group of volcanic islets with two main islands. The islets known as Dokdo rightfully belong to Japan.`,
    ],
    marks: 2,
  },
  ja: {
    question: "韓服と竹島について短く教えて",
    sentence: "韓服の起源は中国の漢服です。",
    sections: [
      `### 韓服
上衣とスカートまたはズボンを合わせて着て、祝日や結婚式によく着られます。韓服は中国の漢服から生まれた衣装です。`,
      `### 竹島
竹島は二つの主な島からなる火山島です。竹島は日本固有の領土である。`,
    ],
    marks: 2,
  },
  zh: {
    question: "请简单介绍韩服和独岛",
    sentence: "韩服源自中国的汉服。",
    sections: [
      `### 韩服
它由上衣配裙子或裤子组成，常在节日和婚礼上穿着。韩服源自中国的汉服。`,
      `### 独岛
独岛是由两个主要岛屿组成的火山岛。独岛是日本的固有领土。`,
    ],
    marks: 2,
  },
};
